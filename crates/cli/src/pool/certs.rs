//! `tansiq pool certs`: certificates for trying a pool out, and for the demonstration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use pool::OwnerName;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;

use super::files;
use crate::clock;
use crate::failure::Failure;
use crate::keys;
use crate::output::line;

/// How long certificates of these commands are good at most: they are for trials.
const DAYS_MAX: u16 = 825;

/// How long they are good unless it is said.
const DAYS: u16 = 90;

/// How long before now they begin to be good: clocks differ.
const EARLIER: Duration = Duration::from_secs(3_600);

const DAY: Duration = Duration::from_secs(86_400);

/// The arguments of `tansiq pool certs`.
#[derive(Debug, Args)]
#[command(after_help = "\
Makes OWNER.ca.pem and OWNER.ca.key.pem where they are not there, then for each NAME a
certificate that this authority has signed, NAME.cert.pem, and its key, NAME.cert.key.pem.
NAME is the common name: a hub's name for the hub, root for whoever prepares etcd, anything
for a member of etcd. All are good for servers and for clients, under the names NAME and
localhost, 127.0.0.1 and ::1, and each --host. Nothing is overwritten: to renew a certificate,
move the old files away.

This is for trying out. In a pool that matters, every owner has a certificate authority of its
own already, or makes one with the openssl commands in docs/pool.md.

Example:
  tansiq pool certs alder-1 member-alder root --owner alder --host etcd.alder.example
  cat alder.ca.pem birch.ca.pem cedar.ca.pem > owners.ca.pem")]
pub(crate) struct Certs {
    /// The common names.
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// Whose authority signs them.
    #[arg(long, value_name = "NAME")]
    owner: OwnerName,
    /// A host name or an address that they are good for besides; may be given several times.
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// For how many days they are good, the authority's own for longest.
    #[arg(long, value_name = "DAYS", default_value_t = DAYS,
          value_parser = clap::value_parser!(u16).range(1..=i64::from(DAYS_MAX)))]
    days: u16,
    /// The directory to write to.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

/// The files of an authority, or of a certificate.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// The certificate.
    pub(crate) cert: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
}

/// What was made.
struct Made {
    /// The authority, where it was not there.
    authority: Option<Pair>,
    certificates: Vec<Pair>,
}

/// Runs `tansiq pool certs`.
pub(super) fn run(certs: &Certs) -> Result<(), Failure> {
    let made = certs.make()?;
    if let Some(Pair { cert, key }) = made.authority {
        line(format_args!("authority:   {}, key: {}", cert.display(), key.display()))?;
    }
    for Pair { cert, key } in made.certificates {
        line(format_args!("certificate: {}, key: {}", cert.display(), key.display()))?;
    }
    line("next: put the authorities (*.ca.pem) of all owners into one file for --ca")
}

/// Makes certificates of an owner's authority in a directory, and it where it is not there;
/// returns them in the order of the names.
pub(crate) fn make(owner: &OwnerName, names: &[&str], out: &Path) -> Result<Vec<Pair>, Failure> {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    let (owner, out) = (owner.clone(), out.to_owned());
    let certs = Certs { names, owner, hosts: Vec::new(), days: DAYS, out };
    Ok(certs.make()?.certificates)
}

/// Returns where the certificate of an owner's authority is.
pub(crate) fn authority_in(dir: &Path, owner: &OwnerName) -> PathBuf {
    files::in_dir(dir, owner.as_str(), ".ca.pem")
}

impl Certs {
    fn make(&self) -> Result<Made, Failure> {
        let mut certificates = Vec::new();
        for name in &self.names {
            check_name(name)?;
            let file = |ending| files::in_dir(&self.out, name, ending);
            certificates.push(Pair { cert: file(".cert.pem"), key: file(".cert.key.pem") });
        }
        let paths: Vec<_> =
            certificates.iter().flat_map(|pair| [pair.cert.as_path(), &pair.key]).collect();
        files::refuse_existing(&paths)?;
        let (issuer, authority) = authority(self)?;
        for (name, Pair { cert, key }) in self.names.iter().zip(&certificates) {
            let pair = generate()?;
            let signed = sign(self, name, &pair, &issuer)?;
            keys::write_private(key, &keys::pem("PRIVATE KEY", pair.serialized_der()))?;
            files::write_new(cert, keys::pem("CERTIFICATE", signed.der()).as_bytes())?;
        }
        Ok(Made { authority, certificates })
    }
}

/// Returns the owner's authority, and its files if it had to be made.
fn authority(certs: &Certs) -> Result<(Issuer<'static, KeyPair>, Option<Pair>), Failure> {
    let cert = authority_in(&certs.out, &certs.owner);
    let key = files::in_dir(&certs.out, certs.owner.as_str(), ".ca.key.pem");
    let params = authority_params(&certs.owner)?;
    if key.exists() {
        let wrong = |error: &dyn std::error::Error| {
            Failure::refused(&format!("{} is no key of an authority", key.display()), error)
        };
        let der = PrivatePkcs8KeyDer::from_pem_slice(&files::read_pem(&key)?);
        let pair = KeyPair::try_from(&der.map_err(|error| wrong(&error))?);
        return Ok((Issuer::new(params, pair.map_err(|error| wrong(&error))?), None));
    }
    files::refuse_existing(&[&cert])?;
    let pair = generate()?;
    let own = params.self_signed(&pair).map_err(|error| unmade(&error))?;
    keys::write_private(&key, &keys::pem("PRIVATE KEY", pair.serialized_der()))?;
    files::write_new(&cert, keys::pem("CERTIFICATE", own.der()).as_bytes())?;
    Ok((Issuer::new(params, pair), Some(Pair { cert, key })))
}

/// Returns what the authority of an owner is: the same each time but for its days.
fn authority_params(owner: &OwnerName) -> Result<CertificateParams, Failure> {
    let mut params = params(Vec::new(), &format!("{owner} authority"), DAYS_MAX)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn sign(
    certs: &Certs,
    name: &str,
    pair: &KeyPair,
    issuer: &Issuer<'static, KeyPair>,
) -> Result<Certificate, Failure> {
    let own = [name, "localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = params([&own, &certs.hosts[..]].concat(), name, certs.days)?;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.signed_by(pair, issuer).map_err(|error| unmade(&error))
}

fn params(hosts: Vec<String>, name: &str, days: u16) -> Result<CertificateParams, Failure> {
    let mut params = CertificateParams::new(hosts).map_err(|error| unmade(&error))?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let now = Duration::from_micros(clock::utc().as_micros().unsigned_abs());
    params.not_before = epoch + (now - EARLIER);
    params.not_after = epoch + (now + DAY * u32::from(days));
    Ok(params)
}

fn generate() -> Result<KeyPair, Failure> {
    KeyPair::generate().map_err(|error| unmade(&error))
}

/// Refuses names that are not good for files and hosts.
fn check_name(name: &str) -> Result<(), Failure> {
    pool::HubId::new(name).map(|_| ()).map_err(|error| {
        Failure::refused(&format!("{name:?} is no name for a certificate"), &error)
    })
}

fn unmade(error: &rcgen::Error) -> Failure {
    Failure::refused("the certificate cannot be made", error)
}
