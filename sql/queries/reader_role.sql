-- lib/pg, before report cells run: makes the role tillflow_reader, which can log in nowhere and only select, and lets it
-- see the tables of this database.
do $$
declare
    s record;
begin
    if not exists (select from pg_roles where rolname = 'tillflow_reader') then
        begin
            create role tillflow_reader nologin noinherit;
        exception when duplicate_object or unique_violation then
            null; -- another database of this server has just made it
        end;
    end if;
    -- Who makes a role without being superuser may grant it, but from Postgres 16 on not use it before doing so.
    if not pg_has_role(current_user, 'tillflow_reader', 'member')
       or exists (select from pg_auth_members where roleid = 'tillflow_reader'::regrole and member = current_user::regrole and admin_option) then
        execute format('grant tillflow_reader to %I', current_user);
    end if;
    for s in
        select n.oid, n.nspname from pg_namespace n
        where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and has_schema_privilege(n.oid, 'usage with grant option')
    loop
        if not has_schema_privilege('tillflow_reader', s.oid, 'usage') then
            execute format('grant usage on schema %I to tillflow_reader', s.nspname);
        end if;
        if exists (
            select from pg_class c
            where c.relnamespace = s.oid and c.relkind in ('r', 'p', 'v', 'm', 'f')
              and has_table_privilege(c.oid, 'select with grant option') and not has_table_privilege('tillflow_reader', c.oid, 'select')
        ) then
            execute format('grant select on all tables in schema %I to tillflow_reader', s.nspname);
        end if;
        if not exists (
            select from pg_default_acl d, aclexplode(d.defaclacl) a
            where d.defaclrole = current_user::regrole and d.defaclnamespace = s.oid and d.defaclobjtype = 'r'
              and a.grantee = 'tillflow_reader'::regrole
        ) then
            execute format('alter default privileges in schema %I grant select on tables to tillflow_reader', s.nspname); -- tables made later
        end if;
    end loop;
end
$$
