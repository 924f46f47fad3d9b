-- A lease says what is known of its credential: asked for (pending), alive (active), being taken back (revoking), and only
-- when whoever keeps credentials has confirmed that it is dead: revoked, or expired.
alter table leases drop constraint leases_status_check;
alter table leases add constraint leases_status_check check (status in ('pending', 'active', 'revoking', 'revoked', 'expired'));
alter table leases add constraint leases_secret check (status = 'active' or secret_sealed is null);
-- Grows with every attempt to grant or revoke: who comes with a lower one was given up on.
alter table leases add column fence int not null default 1;
alter table leases add column revoke_asked_at timestamptz;
alter table leases add column revoke_tried_at timestamptz;
-- Why the last attempt was not confirmed.
alter table leases add column revoke_error text;
create index leases_open on leases (tenant_id, access_request_id) where status in ('pending', 'active', 'revoking');
