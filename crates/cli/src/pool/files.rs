//! The files that owners keep and exchange: keys in PEM, everything else as the pool's own bytes.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use pool::{CHANGE_BYTES_MAX, GENESIS_BYTES_MAX, Genesis, KeyPair, SignedChange};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;

use crate::failure::Failure;
use crate::keys;

/// How many bytes a key or a card may have.
pub(super) const SMALL_FILE_BYTES_MAX: usize = 64 * 1024;

/// How many bytes a file of certificates may have.
const CERTIFICATES_BYTES_MAX: usize = 1024 * 1024;

/// Reads a file, which may have `bytes_max` bytes.
pub(super) fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let unreadable =
        |error: io::Error| Failure::refused(&format!("cannot read {}", path.display()), &error);
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let bound = u64::try_from(bytes_max).expect("bounds are small") + 1;
    file.take(bound).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes_max < bytes.len() {
        return Err(Failure::Refused(format!(
            "{} has more than {bytes_max} bytes: it is something else",
            path.display()
        )));
    }
    Ok(bytes)
}

/// Reads certificates or their key, for TLS.
pub(super) fn read_pem(path: &Path) -> Result<Vec<u8>, Failure> {
    read(path, CERTIFICATES_BYTES_MAX)
}

/// Reads a genesis.
pub(super) fn read_genesis(path: &Path) -> Result<Genesis, Failure> {
    Genesis::from_bytes(&read(path, GENESIS_BYTES_MAX)?).map_err(|error| {
        Failure::refused(&format!("{} is no genesis of a pool", path.display()), &error)
    })
}

/// Reads a change and its signatures.
pub(super) fn read_change(path: &Path) -> Result<SignedChange, Failure> {
    SignedChange::from_bytes(&read(path, CHANGE_BYTES_MAX)?).map_err(|error| {
        Failure::refused(&format!("{} is no change of a pool", path.display()), &error)
    })
}

/// Reads an Ed25519 key: PKCS#8 in PEM, as `tansiq pool keys` and `openssl genpkey` write it.
pub(super) fn read_key(path: &Path) -> Result<KeyPair, Failure> {
    let text = read(path, SMALL_FILE_BYTES_MAX)?;
    let wrong = |error: &dyn std::error::Error| {
        Failure::refused(&format!("{} is no private key of a pool", path.display()), error)
    };
    let der = PrivatePkcs8KeyDer::from_pem_slice(&text).map_err(|error| wrong(&error))?;
    KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|error| wrong(&error))
}

/// Returns the text of a private key, PKCS#8 in PEM.
pub(super) fn key_to_pem(key: &KeyPair) -> String {
    keys::pem("PRIVATE KEY", &key.to_pkcs8())
}

/// Refuses to go on when one of these files is there, before any of them is written.
pub(super) fn refuse_existing(paths: &[&Path]) -> Result<(), Failure> {
    for path in paths {
        if path.symlink_metadata().is_ok() {
            return Err(Failure::Refused(format!(
                "{} exists: nothing was written; move it away or choose another --out",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Writes a new file that everybody may read; it must not exist.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    keys::write_new_file(path, bytes, 0o644)
}

/// Puts other bytes in place of those of a file, all of them or none.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed =
        |error: io::Error| Failure::refused(&format!("cannot write {}", path.display()), &error);
    let dir = match path.parent() {
        Some(dir) if dir != Path::new("") => dir,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    let permissions = std::fs::metadata(path).map_err(failed)?.permissions();
    file.as_file().set_permissions(permissions).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Returns the path of a file in a directory, `NAME` and an ending.
pub(super) fn in_dir(dir: &Path, name: &str, ending: &str) -> PathBuf {
    let file = format!("{name}{ending}");
    if dir == Path::new(".") { PathBuf::from(file) } else { dir.join(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_keys_that_it_writes() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("key");
        let key = KeyPair::from_seed(&[7; 32]);
        write_new(&path, key_to_pem(&key).as_bytes()).expect("written");

        let read = read_key(&path).expect("a key");

        assert_eq!(read.public_key(), key.public_key());
    }

    #[test]
    fn reads_files_of_the_greatest_length_and_no_longer() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("file");
        write_new(&path, b"1234").expect("written");

        assert_eq!(read(&path, 4).expect("as long as it may be"), b"1234");
        assert!(matches!(read(&path, 3), Err(Failure::Refused(_))));
    }

    #[test]
    fn replaces_a_file_and_keeps_what_it_may_be_done_with() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("file");
        keys::write_new_file(&path, b"one", 0o640).expect("written");

        replace(&path, b"another").expect("replaced");

        assert_eq!(std::fs::read(&path).expect("it exists"), b"another");
        let mode = path.metadata().expect("it exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn refuses_what_exists_before_anything_is_written() {
        let dir = tempfile::tempdir().expect("a directory");
        let (there, not_there) = (dir.path().join("there"), dir.path().join("not-there"));
        write_new(&there, b"").expect("written");

        assert!(refuse_existing(&[&not_there]).is_ok());
        assert!(refuse_existing(&[&not_there, &there]).is_err());
    }
}
