//! The same request many times at once.

use std::collections::BTreeSet;

use futures::future::join_all;

use super::{complete, finished, issued, keys, list, record};
use crate::files::versions_of;
use crate::support::{TestStack, office, without_events};

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_twins_get_one_number_and_one_pdf() {
    let stack = TestStack::start_with(without_events).await;
    let dana = office("acme");
    for (request, number) in [
        (record(), "PRT-2025-0001"),
        (finished::inline(&finished::pdf("twin")), "PRT-2025-0002"),
    ] {
        let twins = join_all((0..16).map(|_| issued(&stack, &dana, &request))).await;
        let told = |name: &str| -> BTreeSet<_> { twins.iter().map(|twin| twin[name].to_string()).collect() };
        assert_eq!(told("number"), [format!("\"{number}\"")].into());
        for name in ["version_id", "sha256", "size", "uploaded_at", "key"] {
            assert_eq!(told(name).len(), 1, "{name}: {:?}", told(name));
        }
        assert_eq!(versions_of(&stack, &format!("bols/2025/{number}")).await.len(), 1);
    }
    assert_eq!(keys(&stack).await.len(), 2);
    assert_eq!(list(&stack, &dana).await.len(), 2);
    assert_eq!(complete(&stack, "PRT-2025").await["next"], "PRT-2025-0003");
}
