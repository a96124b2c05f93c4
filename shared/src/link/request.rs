//! What a caller asks a link for.

use ipnet::{IpNet, Ipv4Net};

use super::terms::{MAX_SHARE_SECONDS, MIN_SECONDS};
use crate::audit::Asked;
use crate::collection::{Collection, LinkKind};
use crate::http::disposition::Disposition;
use crate::http::query::{Query, pointer};
use crate::json::{Errors, Node};

/// The most uses that a share link may be limited to: its state is one small object.
pub const MAX_USES: u64 = 100;

/// No key is longer (S3 user guide, *Naming Amazon S3 objects*).
const MAX_PATH_BYTES: usize = 1_024;
/// No collection's name is longer.
const MAX_COLLECTION_BYTES: usize = 64;

/// A link that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRequest {
    /// The document's collection, as it was named.
    pub collection: String,
    /// The document's path below it.
    pub path: String,
    /// The kind; the collection's own where nothing is asked for.
    pub kind: Option<LinkKind>,
    /// For how many seconds.
    pub expires_in: Option<u64>,
    /// Saved or shown.
    pub disposition: Disposition,
    /// How many uses a share link has; as many as one likes where nothing is asked for.
    pub uses: Option<u32>,
    /// The network that a share link may be used from.
    pub network: Option<IpNet>,
    /// Where the request stands, for errors: in a query, or in the body at a pointer.
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Query,
    Body(String),
}

const FIELDS: [&str; 7] = [
    "collection",
    "path",
    "kind",
    "expires_in",
    "disposition",
    "uses",
    "network",
];

impl LinkRequest {
    /// A plain request for a link to a document, with nothing asked for.
    pub fn plain(collection: Collection, path: &str) -> Self {
        Self {
            collection: collection.name().to_owned(),
            path: path.to_owned(),
            kind: None,
            expires_in: None,
            disposition: Disposition::Attachment,
            uses: None,
            network: None,
            place: Place::Query,
        }
    }

    /// Reads `?kind&expires_in&disposition&uses&network`; what else the query holds is left in it.
    pub fn from_query(collection: String, path: String, query: &mut Query, errors: &mut Errors) -> Self {
        let mut request = Self {
            collection,
            path,
            kind: query.value("kind", errors, kind),
            expires_in: query.value("expires_in", errors, |text| seconds(text.parse().ok())),
            disposition: query
                .value("disposition", errors, disposition)
                .unwrap_or(Disposition::Attachment),
            uses: query.value("uses", errors, |text| uses(text.parse().ok())),
            network: query.value("network", errors, network),
            place: Place::Query,
        };
        request.check(errors);
        request
    }

    /// Reads one of the items of `POST /v1/links`.
    pub fn from_json(node: &Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = node.object(errors)?;
        let mut text = |name: &str, limit: usize, errors: &mut Errors| {
            let node = fields.take_required(name, errors)?;
            let text = node.string(errors)?;
            if text.len() > limit {
                node.refuse(
                    errors,
                    format!("has {} bytes; at most {limit} are allowed", text.len()),
                );
                return None;
            }
            Some(text)
        };
        let collection = text("collection", MAX_COLLECTION_BYTES, errors);
        let path = text("path", MAX_PATH_BYTES, errors);
        let mut request = Self {
            collection: String::new(),
            path: String::new(),
            kind: parsed(fields.take("kind"), errors, kind),
            expires_in: number(fields.take("expires_in"), errors, seconds),
            disposition: parsed(fields.take("disposition"), errors, disposition)
                .unwrap_or(Disposition::Attachment),
            uses: number(fields.take("uses"), errors, uses),
            network: parsed(fields.take("network"), errors, network),
            place: Place::Body(node.pointer().to_string()),
        };
        fields.refuse_rest(&FIELDS, errors);
        (request.collection, request.path) = (collection?, path?);
        request.check(errors);
        Some(request)
    }

    /// What the parts have to do with each other.
    fn check(&mut self, errors: &mut Errors) {
        let own = Collection::parse(&self.collection).map(Collection::link_kind);
        let is_direct = self.kind.or(own) == Some(LinkKind::Direct);
        let given = [("uses", self.uses.is_some()), ("network", self.network.is_some())];
        for (name, is_given) in given {
            if is_given && is_direct {
                errors.add(self.pointer(name), "needs a share link: kind=share");
            }
        }
    }

    /// How an error names a part of the request.
    pub(super) fn pointer(&self, name: &str) -> String {
        match &self.place {
            Place::Query => pointer(name),
            Place::Body(node) => format!("{node}/{name}"),
        }
    }

    /// What records keep of the request.
    pub fn asked(&self) -> Asked {
        Asked {
            kind: self.kind,
            expires_in: self.expires_in,
            disposition: Some(self.disposition),
            uses: self.uses,
            network: self.network.map(|network| network.to_string()),
            ..Asked::default()
        }
    }
}

fn parsed<T>(
    node: Option<Node<'_>>,
    errors: &mut Errors,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let node = node?;
    let text = node.string(errors)?;
    parse(&text).map_err(|detail| node.refuse(errors, detail)).ok()
}

fn number<T>(
    node: Option<Node<'_>>,
    errors: &mut Errors,
    check: impl FnOnce(Option<u64>) -> Result<T, String>,
) -> Option<T> {
    let node = node?;
    let number = node.index(errors)?;
    check(u64::try_from(number).ok())
        .map_err(|detail| node.refuse(errors, detail))
        .ok()
}

fn kind(text: &str) -> Result<LinkKind, String> {
    match text {
        "direct" => Ok(LinkKind::Direct),
        "share" => Ok(LinkKind::Share),
        _ => Err("must be direct or share".to_owned()),
    }
}

fn disposition(text: &str) -> Result<Disposition, String> {
    match text {
        "attachment" => Ok(Disposition::Attachment),
        "inline" => Ok(Disposition::Inline),
        _ => Err("must be attachment or inline".to_owned()),
    }
}

fn seconds(number: Option<u64>) -> Result<u64, String> {
    number
        .filter(|seconds| (MIN_SECONDS..=MAX_SHARE_SECONDS).contains(seconds))
        .ok_or_else(|| {
            format!("must be a whole number from {MIN_SECONDS} to {MAX_SHARE_SECONDS}, in seconds")
        })
}

fn uses(number: Option<u64>) -> Result<u32, String> {
    number
        .filter(|uses| (1..=MAX_USES).contains(uses))
        .and_then(|uses| u32::try_from(uses).ok())
        .ok_or_else(|| format!("must be a whole number from 1 to {MAX_USES}"))
}

/// An IPv4 network that is written as IPv6 (RFC 4291, section 2.5.5.2) is the IPv4 network, as callers' addresses are.
fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(long) = network else {
        return network;
    };
    let short = long
        .addr()
        .to_ipv4_mapped()
        .zip(long.prefix_len().checked_sub(96));
    let short = short.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok());
    short.map_or(network, IpNet::V4)
}

fn network(text: &str) -> Result<IpNet, String> {
    let single = || text.parse::<std::net::IpAddr>().map(IpNet::from).ok();
    text.parse::<IpNet>()
        .ok()
        .or_else(single)
        .map(|network| unmapped(network).trunc())
        .ok_or_else(|| "must be a network such as 192.0.2.0/24 or 2001:db8::/32, or an address".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_network_is_the_same_in_each_of_its_spellings() {
        for (text, expected) in [
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("::ffff:192.0.2.7/120", "192.0.2.0/24"),
            ("2001:db8::1/32", "2001:db8::/32"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "192.0.2.0/33", "192.0.2", "x", "192.0.2.0/24 "] {
            assert!(network(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_item_that_is_taken_is_longer_than_a_key(path in "[a-z/]{1000,1100}", collection in "[a-z]{1,80}") {
            let text = serde_json::json!({"collection": collection, "path": path}).to_string();
            let mut errors = Errors::default();
            let request = LinkRequest::from_json(&Node::parse(&text).unwrap(), &mut errors);
            prop_assert_eq!(request.is_some(), errors.is_empty());
            if let Some(request) = request {
                prop_assert!(request.path.len() <= 1_024 && request.collection.len() <= 64);
            }
        }
    }
}
