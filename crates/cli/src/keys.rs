//! `tansiq keys`: key pairs to sign and check tokens with.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};

use crate::failure::Failure;
use crate::output;

/// How long a line of base64 in a PEM file is (RFC 7468, section 2).
const PEM_LINE_LENGTH: usize = 64;

/// The arguments of `tansiq keys`.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes an RSA key pair of 2,048 bits for RS256 tokens.
    #[command(after_help = "\
Writes NAME.key.pem (private, mode 0600) and NAME.pub.pem (public); refuses to overwrite.

Examples:
  tansiq keys new --out /tmp/test
  tansiq hub --public-key /tmp/test.pub.pem --audience localhost --data /tmp/hub
  tansiq token --key /tmp/test.key.pem --sub alder --scope utm.strategic_coordination \\
               --audience localhost")]
    New {
        /// Where to write: the path of both files without `.key.pem` and `.pub.pem`.
        #[arg(long, value_name = "DIR/NAME")]
        out: PathBuf,
    },
}

/// A key pair, both halves as PEM.
pub(crate) struct PemPair {
    /// PKCS#8.
    pub(crate) private: String,
    /// X.509 SubjectPublicKeyInfo.
    pub(crate) public: String,
}

/// The files of a key pair.
pub(crate) struct KeyFiles {
    /// Of the private key.
    pub(crate) private: PathBuf,
    /// Of the public key.
    pub(crate) public: PathBuf,
}

/// Runs `tansiq keys`.
pub(crate) fn run(keys: Keys) -> Result<(), Failure> {
    let Command::New { out } = keys.command;
    let files = write_new(&out)?;
    output::line(format_args!("private key: {}", files.private.display()))?;
    output::line(format_args!("public key:  {}", files.public.display()))
}

/// Makes a key pair and writes it to `OUT.key.pem` and `OUT.pub.pem`, which must not exist.
pub(crate) fn write_new(out: &Path) -> Result<KeyFiles, Failure> {
    let pair = generate()?;
    let files =
        KeyFiles { private: with_ending(out, ".key.pem"), public: with_ending(out, ".pub.pem") };
    write_private(&files.private, &pair.private)?;
    write_new_file(&files.public, pair.public.as_bytes(), 0o644)?;
    Ok(files)
}

/// Makes an RSA key pair of 2,048 bits.
pub(crate) fn generate() -> Result<PemPair, Failure> {
    let failed = |_| Failure::Refused("cannot make an RSA key pair".to_owned());
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
    let private = pair.as_der().map_err(failed)?;
    let public = pair.public_key().as_der().map_err(failed)?;
    Ok(PemPair {
        private: pem("PRIVATE KEY", private.as_ref()),
        public: pem("PUBLIC KEY", public.as_ref()),
    })
}

/// Writes a new file that only its owner can read; it must not exist.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    write_new_file(path, text.as_bytes(), 0o600)
}

/// Writes a new file with this mode; it must not exist.
pub(crate) fn write_new_file(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    let failed = |error| Failure::refused(&format!("cannot write {}", path.display()), &error);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)
}

fn with_ending(out: &Path, ending: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Returns bytes as PEM (RFC 7468).
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in base64.as_bytes().chunks(PEM_LINE_LENGTH) {
        text.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn writes_a_private_key_that_only_its_owner_reads() {
        let dir = tempfile::tempdir().expect("a directory");

        let files = write_new(&dir.path().join("test")).expect("written");

        let mode = files.private.metadata().expect("it exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let public = std::fs::read_to_string(&files.public).expect("it exists");
        assert!(public.starts_with("-----BEGIN PUBLIC KEY-----\n"));
        assert!(public.lines().all(|line| line.len() <= PEM_LINE_LENGTH));
    }

    #[test]
    fn refuses_to_overwrite_a_key() {
        let dir = tempfile::tempdir().expect("a directory");
        let out = dir.path().join("test");
        write_new(&out).expect("written");
        let before = std::fs::read(with_ending(&out, ".key.pem")).expect("it exists");

        let refused = write_new(&out);

        assert!(matches!(refused, Err(Failure::Refused(message)) if message.contains("exists")));
        assert_eq!(std::fs::read(with_ending(&out, ".key.pem")).expect("it exists"), before);
    }
}
