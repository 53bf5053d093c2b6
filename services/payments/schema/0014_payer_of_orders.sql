-- Why: a batch names the account that it is paid from, so that its file for the bank stays the same.

alter table payment_order
    add column payer_account_id text,
    add column payer_account_version integer;
