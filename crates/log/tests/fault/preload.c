/*
 * Faults under the real SQLite: loaded with LD_PRELOAD by tests/fault, it stands between a process
 * and the files of one directory.
 *
 * It keeps in a second directory, the shadow, what a power cut would leave for certain: the bytes
 * of every file as of its last sync and the names of every directory as of its last sync. It can
 * also make syncs do nothing, make one write or sync fail, shorten writes, and fill the disk.
 * No data is really synced, so tests are fast and wear out no disk.
 *
 * The environment:
 *   TANSIQ_FAULT_DIR      the directory, absolute; other files are left alone
 *   TANSIQ_FAULT_SHADOW   the shadow, absolute, empty
 *   TANSIQ_FAULT_NO_SYNC  set: syncs report success and do nothing
 *   TANSIQ_FAULT_FAIL     "sync NAME N" or "write NAME N": the Nth sync or write of the file with
 *                         that name fails with EIO
 *   TANSIQ_FAULT_SHORT    a seed: some writes write less than they were asked to
 *   TANSIQ_FAULT_DISK     by how many bytes files may grow until the disk is full; it is full until
 *                         there is a file "room" in the shadow
 *
 * The shadow:
 *   ids          a line "INODE ID" for every file there was or that was created; the last counts
 *   ID           the bytes of a file as of its last sync
 *   names.DIR    a line "f ID NAME" or "d 0 NAME" for every name as of the last sync of DIR, which
 *                is "" for the directory itself
 *   syncs        how many syncs succeeded, as text
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES_MAX 4096
#define FDS_MAX 4096
#define NONE (-1)

struct range {
	off_t start;
	off_t end;
};

struct file {
	ino_t inode;
	/* Written since the last sync. */
	struct range *ranges;
	size_t ranges_count;
	size_t ranges_room;
	/* The shortest it was since the last sync. */
	off_t size_min;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char dir[PATH_MAX];
static char shadow[PATH_MAX];
static int no_sync;
static char fail_what[16];
static char fail_name[256];
static long fail_at;
static uint64_t short_seed;
static int disk_is_small;
static int64_t disk_room;
static long syncs;

/* The id of a file is its index. */
static struct file files[FILES_MAX];
static int files_count;
/* By descriptor: the id of a file plus one, or -1 for a directory, or 0. */
static int fds[FDS_MAX];

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);

static void give_up(const char *what)
{
	fprintf(stderr, "fault: %s: %s\n", what, strerror(errno));
	abort();
}

static void shadow_path(char *path, const char *name)
{
	if (PATH_MAX <= snprintf(path, PATH_MAX, "%s/%s", shadow, name))
		give_up("a path is too long");
}

static void write_whole(int fd, const char *bytes, size_t length, off_t at)
{
	while (0 < length) {
		ssize_t n = real_pwrite(fd, bytes, length, at);
		if (n <= 0)
			give_up("writing the shadow");
		bytes += n;
		length -= (size_t)n;
		at += n;
	}
}

/* Copies a part of one file to another, as far as it is there. */
static void copy(int from, int to, off_t start, off_t end)
{
	char buffer[65536];
	while (start < end) {
		size_t want = (size_t)(end - start) < sizeof buffer ? (size_t)(end - start) : sizeof buffer;
		ssize_t n = pread(from, buffer, want, start);
		if (n < 0)
			give_up("reading a file");
		if (n == 0)
			return;
		write_whole(to, buffer, (size_t)n, start);
		start += n;
	}
}

/* Opens the shadow of a file. */
static int open_shadow(int id)
{
	char name[32], path[PATH_MAX];
	snprintf(name, sizeof name, "%d", id);
	shadow_path(path, name);
	int fd = real_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		give_up("opening a shadow");
	return fd;
}

static int find_inode(ino_t inode)
{
	for (int id = files_count - 1; 0 <= id; id--)
		if (files[id].inode == inode)
			return id;
	return NONE;
}

/* Takes up a file that is new, under an inode that an older file may have had. */
static int add_file(ino_t inode)
{
	char path[PATH_MAX], line[64];
	if (files_count == FILES_MAX)
		give_up("too many files");
	int id = files_count++;
	files[id] = (struct file){ .inode = inode, .size_min = INT64_MAX };
	shadow_path(path, "ids");
	int fd = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	int length = snprintf(line, sizeof line, "%llu %d\n", (unsigned long long)inode, id);
	if (fd < 0 || real_write(fd, line, (size_t)length) != length)
		give_up("writing ids");
	real_close(fd);
	return id;
}

/* Makes the present names of a directory the ones that a power cut leaves. */
static void sync_names(const char *path)
{
	char name[PATH_MAX], final[PATH_MAX], temporary[PATH_MAX], entry_path[PATH_MAX];
	const char *relative = path + strlen(dir);
	while (*relative == '/')
		relative++;
	snprintf(name, sizeof name, "names.%s", relative);
	shadow_path(final, name);
	shadow_path(temporary, "names");
	FILE *out = fopen(temporary, "w");
	DIR *names = opendir(path);
	if (out == NULL || names == NULL)
		give_up("reading a directory");
	for (struct dirent *entry; (entry = readdir(names)) != NULL;) {
		struct stat status;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (PATH_MAX <= snprintf(entry_path, PATH_MAX, "%s/%s", path, entry->d_name))
			give_up("a path is too long");
		if (lstat(entry_path, &status) != 0)
			continue;
		if (S_ISDIR(status.st_mode))
			fprintf(out, "d 0 %s\n", entry->d_name);
		else
			fprintf(out, "f %d %s\n", find_inode(status.st_ino), entry->d_name);
	}
	closedir(names);
	if (fclose(out) != 0 || rename(temporary, final) != 0)
		give_up("writing names");
}

/* What is there when the process starts is taken to be on the disk. */
static void take_up(const char *path, int is_below)
{
	char entry_path[PATH_MAX];
	DIR *names = opendir(path);
	if (names == NULL)
		return;
	for (struct dirent *entry; (entry = readdir(names)) != NULL;) {
		struct stat status;
		if (entry->d_name[0] == '.')
			continue;
		snprintf(entry_path, sizeof entry_path, "%s/%s", path, entry->d_name);
		if (lstat(entry_path, &status) != 0)
			give_up("reading a directory");
		if (S_ISDIR(status.st_mode)) {
			if (!is_below)
				take_up(entry_path, 1);
			continue;
		}
		int id = add_file(status.st_ino);
		int from = real_open(entry_path, O_RDONLY | O_CLOEXEC);
		int to = open_shadow(id);
		copy(from, to, 0, status.st_size);
		real_close(from);
		real_close(to);
	}
	closedir(names);
	sync_names(path);
}

__attribute__((constructor)) static void start(void)
{
	real_open = dlsym(RTLD_NEXT, "open");
	real_close = dlsym(RTLD_NEXT, "close");
	real_write = dlsym(RTLD_NEXT, "write");
	real_pwrite = dlsym(RTLD_NEXT, "pwrite");
	real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
	real_fsync = dlsym(RTLD_NEXT, "fsync");
	const char *value = getenv("TANSIQ_FAULT_DIR");
	if (value == NULL || realpath(value, dir) == NULL)
		give_up("TANSIQ_FAULT_DIR");
	value = getenv("TANSIQ_FAULT_SHADOW");
	if (value == NULL || realpath(value, shadow) == NULL)
		give_up("TANSIQ_FAULT_SHADOW");
	no_sync = getenv("TANSIQ_FAULT_NO_SYNC") != NULL;
	value = getenv("TANSIQ_FAULT_FAIL");
	if (value != NULL && sscanf(value, "%15s %255s %ld", fail_what, fail_name, &fail_at) != 3)
		give_up("TANSIQ_FAULT_FAIL");
	value = getenv("TANSIQ_FAULT_SHORT");
	short_seed = value == NULL ? 0 : strtoull(value, NULL, 10) | 1;
	value = getenv("TANSIQ_FAULT_DISK");
	disk_is_small = value != NULL;
	disk_room = value == NULL ? 0 : strtoll(value, NULL, 10);
	take_up(dir, 0);
}

static const char *path_of(int fd, char *path)
{
	char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, PATH_MAX - 1);
	if (length < 0)
		return NULL;
	path[length] = 0;
	size_t prefix = strlen(dir);
	int is_below = strncmp(path, dir, prefix) == 0 && (path[prefix] == '/' || path[prefix] == 0);
	return is_below ? path : NULL;
}

/* Tells whether this is the operation that is to fail. */
static int fails(int fd, const char *what)
{
	char path[PATH_MAX];
	if (fail_at <= 0 || strcmp(what, fail_what) != 0 || path_of(fd, path) == NULL)
		return 0;
	const char *name = strrchr(path, '/') + 1;
	return strcmp(name, fail_name) == 0 && --fail_at == 0;
}

static struct file *file_of(int fd)
{
	if (fd < 0 || FDS_MAX <= fd || fds[fd] <= 0)
		return NULL;
	return &files[fds[fd] - 1];
}

static void opened(int fd, int flags, int is_new)
{
	struct stat status;
	char path[PATH_MAX];
	if (fd < 0 || FDS_MAX <= fd || path_of(fd, path) == NULL || fstat(fd, &status) != 0)
		return;
	pthread_mutex_lock(&mutex);
	if (S_ISDIR(status.st_mode)) {
		fds[fd] = -1;
	} else {
		int id = is_new ? NONE : find_inode(status.st_ino);
		if (id == NONE)
			id = add_file(status.st_ino);
		fds[fd] = id + 1;
		if (flags & O_TRUNC)
			files[id].size_min = 0;
	}
	pthread_mutex_unlock(&mutex);
}

static int open_any(const char *path, int flags, mode_t mode)
{
	struct stat status;
	int is_new = (flags & O_CREAT) && stat(path, &status) != 0;
	int fd = real_open(path, flags, mode);
	opened(fd, flags, is_new);
	return fd;
}

#define OPEN(name)                                         \
	int name(const char *path, int flags, ...)         \
	{                                                  \
		va_list rest;                              \
		va_start(rest, flags);                     \
		mode_t mode = va_arg(rest, mode_t);        \
		va_end(rest);                              \
		return open_any(path, flags, mode);        \
	}
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                               \
	int name(int at, const char *path, int flags, ...)         \
	{                                                          \
		va_list rest;                                      \
		va_start(rest, flags);                             \
		mode_t mode = va_arg(rest, mode_t);                \
		va_end(rest);                                      \
		if (at != AT_FDCWD && path[0] != '/')              \
			give_up("openat with a directory");        \
		return open_any(path, flags, mode);                \
	}
OPENAT(openat)
OPENAT(openat64)

int close(int fd)
{
	if (0 <= fd && fd < FDS_MAX) {
		pthread_mutex_lock(&mutex);
		fds[fd] = 0;
		pthread_mutex_unlock(&mutex);
	}
	return real_close(fd);
}

static void add_range(struct file *file, off_t start, off_t end)
{
	if (file->ranges_count != 0) {
		struct range *last = &file->ranges[file->ranges_count - 1];
		if (last->start <= start && start <= last->end) {
			last->end = last->end < end ? end : last->end;
			return;
		}
	}
	if (file->ranges_count == file->ranges_room) {
		file->ranges_room = 2 * file->ranges_room + 16;
		file->ranges = realloc(file->ranges, file->ranges_room * sizeof *file->ranges);
		if (file->ranges == NULL)
			give_up("memory");
	}
	file->ranges[file->ranges_count++] = (struct range){ start, end };
}

/* Returns how much of a write goes through. */
static size_t allowed(int fd, size_t length, off_t at)
{
	struct stat status;
	char path[PATH_MAX];
	if (disk_is_small) {
		shadow_path(path, "room");
		disk_is_small = access(path, F_OK) != 0;
	}
	if (disk_is_small && fstat(fd, &status) == 0) {
		int64_t growth = at + (int64_t)length - status.st_size;
		int64_t missing = growth < 0 ? 0 : growth - disk_room;
		if (0 < missing)
			length = missing < (int64_t)length ? length - (size_t)missing : 0;
		growth = at + (int64_t)length - status.st_size;
		disk_room -= growth < 0 ? 0 : growth;
	}
	if (short_seed != 0 && 1 < length) {
		short_seed ^= short_seed << 13;
		short_seed ^= short_seed >> 7;
		short_seed ^= short_seed << 17;
		if (short_seed % 3 == 0)
			length = 1 + (size_t)(short_seed >> 8) % (length - 1);
	}
	return length;
}

static ssize_t write_any(int fd, const void *bytes, size_t length, off_t at)
{
	ssize_t written = -1;
	pthread_mutex_lock(&mutex);
	size_t goes = allowed(fd, length, at);
	if (fails(fd, "write")) {
		errno = EIO;
	} else if (goes == 0 && length != 0) {
		errno = ENOSPC;
	} else {
		written = real_pwrite(fd, bytes, goes, at);
		if (0 < written)
			add_range(file_of(fd), at, at + written);
	}
	pthread_mutex_unlock(&mutex);
	return written;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
	if (file_of(fd) == NULL)
		return real_write(fd, bytes, length);
	off_t at = lseek(fd, 0, SEEK_CUR);
	ssize_t written = write_any(fd, bytes, length, at);
	if (0 < written)
		lseek(fd, at + written, SEEK_SET);
	return written;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	ssize_t all = 0;
	for (int i = 0; i < count; i++) {
		ssize_t written = write(fd, parts[i].iov_base, parts[i].iov_len);
		if (written < 0)
			return all == 0 ? -1 : all;
		all += written;
		if ((size_t)written < parts[i].iov_len)
			break;
	}
	return all;
}

#define PWRITE(name)                                                            \
	ssize_t name(int fd, const void *bytes, size_t length, off_t at)        \
	{                                                                       \
		if (file_of(fd) == NULL)                                        \
			return real_pwrite(fd, bytes, length, at);              \
		return write_any(fd, bytes, length, at);                        \
	}
PWRITE(pwrite)
PWRITE(pwrite64)

static int truncate_any(int fd, off_t size)
{
	struct file *file = file_of(fd);
	if (file != NULL) {
		pthread_mutex_lock(&mutex);
		if (size < file->size_min)
			file->size_min = size;
		pthread_mutex_unlock(&mutex);
	}
	return real_ftruncate(fd, size);
}

int ftruncate(int fd, off_t size)
{
	return truncate_any(fd, size);
}

int ftruncate64(int fd, off_t size)
{
	return truncate_any(fd, size);
}

/* Forgets what was written since the last sync: it is on the disk, or lost. */
static void forget(struct file *file)
{
	file->ranges_count = 0;
	file->size_min = INT64_MAX;
}

static void sync_file(int fd, struct file *file)
{
	char link[64];
	struct stat status;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	int from = real_open(link, O_RDONLY | O_CLOEXEC);
	int to = open_shadow((int)(file - files));
	if (from < 0 || fstat(from, &status) != 0 || fstat(to, &status) != 0)
		give_up("opening a file for its sync");
	if (file->size_min < status.st_size && real_ftruncate(to, file->size_min) != 0)
		give_up("cutting a shadow");
	for (size_t i = 0; i < file->ranges_count; i++)
		copy(from, to, file->ranges[i].start, file->ranges[i].end);
	if (fstat(from, &status) != 0 || real_ftruncate(to, status.st_size) != 0)
		give_up("cutting a shadow");
	real_close(from);
	real_close(to);
	forget(file);
}

static void count_sync(void)
{
	char path[PATH_MAX], text[32];
	int length = snprintf(text, sizeof text, "%ld\n", ++syncs);
	shadow_path(path, "syncs");
	int fd = real_open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		give_up("counting a sync");
	write_whole(fd, text, (size_t)length, 0);
	real_close(fd);
}

static int sync_any(int fd)
{
	char path[PATH_MAX];
	int result = 0;
	if (fd < 0 || FDS_MAX <= fd || fds[fd] == 0)
		return real_fsync(fd);
	if (no_sync)
		return 0;
	pthread_mutex_lock(&mutex);
	struct file *file = file_of(fd);
	if (fails(fd, "sync")) {
		/* As Linux does: the next sync succeeds, and what was to be synced may be lost. */
		if (file != NULL)
			forget(file);
		errno = EIO;
		result = -1;
	} else {
		if (file != NULL)
			sync_file(fd, file);
		else if (path_of(fd, path) != NULL)
			sync_names(path);
		count_sync();
	}
	pthread_mutex_unlock(&mutex);
	return result;
}

int fsync(int fd)
{
	return sync_any(fd);
}

int fdatasync(int fd)
{
	return sync_any(fd);
}
