//! English: what is somebody's own.

use super::super::Me;

pub(super) const ME: Me = Me {
    nav: "Me",
    title: "My keys and spend",
    team: "team",
    spend: "Spent and left",
    within: "in the last 30 days, with the keys and tokens listed here",
    of_key: "This key:",
    of_user: "You:",
    of_member: "You in the team",
    of_team: "The whole team",
    no_budget: "No budget limits you.",
    keys: "Keys",
    no_keys: "No keys yet.",
    make: "Create key",
    alias: "Name (optional)",
    duration: "Lifetime, such as 12h or 7d; at most",
    delete: "Delete",
    requests: "Last requests",
    no_requests: "No requests in the last 30 days.",
    back: "Back to my keys",
    no_person: "Only a person who has signed in at an identity provider makes and deletes keys here.",
    wants_duration: "The lifetime is a number with a unit: 12h, 7d, 4w.",
    too_long: "A key lives at most",
    too_many: "These are too many keys; at a time you may have",
    no_models: "Your groups let you ask for no model, so a key would be of no use.",
};
