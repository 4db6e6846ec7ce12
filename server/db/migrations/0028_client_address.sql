-- Reads the address without a subtransaction for each row, which the index of Gateway sessions writes by the hundred thousand.
create or replace function client_address(said text) returns inet language plpgsql immutable parallel safe as $$
declare
  address constant text := regexp_replace(said, '^::ffff:(?=[0-9.]+$)', '', 'i');
begin
  return case when pg_input_is_valid(address, 'inet') then host(address::inet)::inet end;
end
$$;
