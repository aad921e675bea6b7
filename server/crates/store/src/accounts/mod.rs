//! Accounts, and what lets them in: sessions, tokens, links that work once, identities elsewhere.
//!
//! What opens something is looked for by its hash. Whether somebody may do what they ask for is decided by `actions`.

mod holder;
mod identities;
mod links;
mod people;
mod roles;
mod sessions;
mod tokens;

pub use identities::{find_by_identity, link_identity, list_identities, unlink_identities, unlink_identity};
pub use links::{StoredLink, add_link, find_link, find_waiting_address, remove_links, remove_links_for, take_link};
pub use people::{
    Credentials, NewAccount, count_accounts, count_admins, count_code, delete_account, find_account, find_credentials,
    find_credentials_by_email, forget_wrong_codes, hold_account, insert_account, is_set_up, list_accounts, offer_totp,
    record_sign_in, replace_password_hash, replace_recovery_codes, set_active, set_email, set_full_name, set_password,
    set_role, set_totp, take_recovery_code, take_totp_step,
};
pub use roles::{add_role, delete_role, list_roles, permissions_of, set_role_permissions};
pub use sessions::{
    Holder, IdleSince, NewSession, StoredSession, count_active_accounts, delete_session, delete_sessions, drop_session,
    find_api_session, find_open_session, find_session, find_session_of_family, insert_session, list_open_sessions,
    list_sessions, mark_session, prune_sessions, rotate_session, save_session, session_agents, touch_session,
};
pub use tokens::{
    EndingToken, NewToken, StoredToken, count_tokens, delete_token, delete_tokens, find_open_token, find_token,
    insert_token, list_ending_tokens, list_tokens, mark_ending_told, mark_token, token_names, touch_token,
};
