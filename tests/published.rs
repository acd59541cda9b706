//! The credentials of .env.example open nothing that others can reach.

use crate::support::keys::sha256;
use crate::support::process::{Gateway, refusal};
use crate::support::{CONFIG, KEY};

const OWN: &str = "sk-a-key-of-ones-own";

/// What `.env.example` gives this variable.
fn published(name: &str) -> String {
    let file = std::fs::read_to_string(".env.example").unwrap();
    let line = file
        .lines()
        .find(|line| line.starts_with(&format!("{name}=")));
    let (_, value) = line.expect(name).split_once('=').unwrap();
    value.trim_matches('"').to_owned()
}

#[tokio::test]
async fn the_test_key_is_refused_on_an_address_that_others_reach_however_it_is_given() {
    let key = published("LITELLM_MASTER_KEY");
    assert_eq!(key, KEY);
    let hash = sha256(&key);
    let in_file = format!("{CONFIG}general_settings: {{master_key: {key}}}\n");
    for host in ["0.0.0.0", "::", "192.0.2.1"] {
        for (yaml, given) in [
            (CONFIG, Some(("LITELLM_MASTER_KEY", key.as_str()))),
            (CONFIG, Some(("MASTER_KEY_SHA256", hash.as_str()))),
            (in_file.as_str(), None),
        ] {
            let mut variables = vec![("HOST", host)];
            variables.extend(given);
            let said = refusal(yaml, &variables).await;
            assert!(said.contains("test key of .env.example"), "{said}");
            assert!(said.contains(&format!("HOST={host}")), "{said}");
        }
    }
}

#[tokio::test]
async fn the_test_password_is_refused_on_an_address_that_others_reach() {
    let (user, password) = (published("UI_USERNAME"), published("UI_PASSWORD"));
    for (user, password) in [
        (user.as_str(), password.as_str()),
        ("maria", &password),
        ("maria", KEY),
    ] {
        let variables = [
            ("HOST", "0.0.0.0"),
            ("LITELLM_MASTER_KEY", OWN),
            ("UI_USERNAME", user),
            ("UI_PASSWORD", password),
        ];
        let said = refusal(CONFIG, &variables).await;
        assert!(said.contains("UI_PASSWORD is the test password"), "{said}");
    }
}

#[tokio::test]
async fn the_test_key_is_refused_on_lambda() {
    let lambda = [
        ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9"),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("TABLE_NAME", "table"),
    ];
    let hash = sha256(KEY);
    for given in [("LITELLM_MASTER_KEY", KEY), ("MASTER_KEY_SHA256", &hash)] {
        let said = refusal(CONFIG, &[&lambda[..], &[given]].concat()).await;
        assert!(said.contains("test key of .env.example"), "{said}");
        assert!(said.contains("make deploy"), "{said}");
    }
}

#[tokio::test]
async fn on_this_machine_alone_they_are_good_and_elsewhere_others_are() {
    let test = [("UI_USERNAME", "litellm"), ("UI_PASSWORD", "litellm")];
    for host in ["127.0.0.1", "127.0.0.2"] {
        Gateway::start(CONFIG, &[&test[..], &[("HOST", host)]].concat()).await;
    }
    let own = [("UI_USERNAME", "litellm"), ("UI_PASSWORD", "a-password")];
    let exposed = [("HOST", "0.0.0.0"), ("LITELLM_MASTER_KEY", OWN)];
    Gateway::start(CONFIG, &[own, exposed].concat()).await;
}
