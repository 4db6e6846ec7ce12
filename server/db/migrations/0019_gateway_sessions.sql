-- One view over our own sessions and those of tenants' end users, which the Gateways keep and this database indexes.

-- What an address column of type text says, or null when it says none. IPv4 in IPv6 clothes (::ffff:192.0.2.1) is IPv4.
create function client_address(said text) returns inet language plpgsql immutable parallel safe as $$
begin
  return host(regexp_replace(said, '^::ffff:(?=[0-9.]+$)', '', 'i')::inet)::inet;
exception when others then
  return null;
end
$$;

-- The network that an address is grouped by: IPv4 by /24, IPv6 by /48.
create function client_network(address inet) returns cidr language sql immutable parallel safe as $$
  select network(set_masklen(address, case family(address) when 4 then 24 else 48 end))
$$;

-- What a user agent says about itself; null when it says nothing that is known. The words stand in contract/iam/sessions.ts.
create function device_system(user_agent text) returns text language sql immutable parallel safe as $$
  select case
    when user_agent ~ '\m(iPhone|iPad|iPod)\M' then 'iOS'
    when user_agent ~ '\mAndroid\M' then 'Android'
    when user_agent ~ '\m(Mac OS X|Macintosh)\M' then 'macOS'
    when user_agent ~ '\mWindows\M' then 'Windows'
    when user_agent ~ '\mCrOS\M' then 'ChromeOS'
    when user_agent ~ '\m(Linux|X11)\M' then 'Linux'
  end
$$;
create function device_browser(user_agent text) returns text language sql immutable parallel safe as $$
  select case
    when user_agent ~ '\mEdg(e|A|iOS)?/[0-9]' then 'Edge'
    when user_agent ~ '\mOPR/[0-9]' then 'Opera'
    when user_agent ~ '\m(Firefox|FxiOS)/[0-9]' then 'Firefox'
    when user_agent ~ '\m(Chrome|CriOS|HeadlessChrome)/[0-9]' then 'Chrome'
    when user_agent ~ '\mVersion/[0-9].*\mSafari/' then 'Safari'
    when user_agent ~ '^curl/[0-9]' then 'curl'
  end
$$;

alter table sessions
  add column address inet generated always as (client_address(ip)) stored,
  add column device_system text generated always as (device_system(user_agent)) stored,
  add column device_browser text generated always as (device_browser(user_agent)) stored;
create index sessions_address on sessions (address);

create table gateway_sessions (
  -- Our id of the row: the Gateway's own ids are unique in their environment only. The same after the index is filled anew.
  session_id         uuid generated always as (md5(environment || '/' || gateway_session_id)::uuid) stored primary key,
  environment        text not null collate "C",
  gateway_session_id text not null collate "C",
  family_id          text not null,
  tenant_id          text not null collate "C",
  end_user_id        text not null collate "C",
  ip                 text not null collate "C",
  user_agent         text not null,
  created_at         timestamptz not null,
  last_seen_at       timestamptz not null,
  expires_at         timestamptz not null,
  ended_at           timestamptz,
  ended_reason       text,
  -- When this row was last written from what the Gateway said.
  written_at         timestamptz not null default clock_timestamp(),
  address            inet generated always as (client_address(ip)) stored,
  device_system      text collate "C" generated always as (device_system(user_agent)) stored,
  device_browser     text collate "C" generated always as (device_browser(user_agent)) stored,
  unique (environment, gateway_session_id)
);
create index gateway_sessions_last_seen_at on gateway_sessions (last_seen_at, session_id);
create index gateway_sessions_created_at on gateway_sessions (created_at, session_id);
create index gateway_sessions_environment on gateway_sessions (environment, last_seen_at, session_id);
create index gateway_sessions_tenant on gateway_sessions (tenant_id, last_seen_at, session_id);
create index gateway_sessions_end_user on gateway_sessions (end_user_id, last_seen_at, session_id);
create index gateway_sessions_system on gateway_sessions (device_system, last_seen_at, session_id);
create index gateway_sessions_browser on gateway_sessions (device_browser, last_seen_at, session_id);
create index gateway_sessions_address on gateway_sessions (address);
create index gateway_sessions_ip on gateway_sessions (ip);
create index gateway_sessions_family on gateway_sessions (environment, family_id);
create index gateway_sessions_expires_at on gateway_sessions (expires_at) where ended_at is null;
create index gateway_sessions_ended on gateway_sessions (last_seen_at, session_id) where ended_at is not null;

-- How far the index of an environment has followed its Gateway. Rows are as of `observed_at`.
create table gateway_session_watch (
  environment text primary key,
  -- The history that the Gateway numbers its changes in; another one means that all has to be read anew. Null: the index is not whole.
  feed        text,
  revision    bigint not null default 0,
  state       text not null check (state in ('live','rebuilding','down')),
  detail      text,
  observed_at timestamptz
);
