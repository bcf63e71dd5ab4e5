import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Schema of its own, so that the registry can share a database. */
export const SCHEMA = 'registry'

/** In order of their names. A migration that was released is never edited: a change is a new one. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001_servers': {
    async up(database: Kysely<unknown>) {
      await sql`create sequence revisions`.execute(database)
      await sql`
        create table servers (
          id text primary key,
          name text not null unique,
          version text not null,
          revision bigint not null,
          record jsonb not null,
          suspension text,
          created_at timestamptz not null default now(),
          updated_at timestamptz not null
        )`.execute(database)
      // The C collation orders and pages alike on every machine.
      await sql`
        create table server_versions (
          server_id text not null references servers (id),
          version text collate "C" not null,
          record jsonb not null,
          published_at timestamptz not null,
          updated_at timestamptz not null,
          primary key (server_id, version)
        )`.execute(database)
      await sql`create index server_versions_updated on server_versions (updated_at)`.execute(database)
    },
  },
  '0002_signing_keys': {
    async up(database: Kysely<unknown>) {
      await sql`
        create table signing_keys (
          kid text primary key,
          jwk jsonb not null,
          created_at timestamptz not null default now()
        )`.execute(database)
    },
  },
  '0003_audit_events': {
    async up(database: Kysely<unknown>) {
      await sql`
        create table audit_events (
          sequence bigint primary key,
          id uuid not null unique,
          at timestamptz not null,
          received_at timestamptz not null,
          server text not null,
          subject text,
          action text not null,
          outcome text not null,
          event text not null,
          previous_hash text not null,
          hash text not null unique
        )`.execute(database)
      await sql`create index audit_events_at on audit_events (at)`.execute(database)
      await sql`create index audit_events_server on audit_events (server, at)`.execute(database)
      await sql`create index audit_events_subject on audit_events (subject, at)`.execute(database)
      await sql`
        create function refuse_change() returns trigger language plpgsql as $$
        begin
          raise exception 'audit_events is append-only' using errcode = 'insufficient_privilege';
        end $$`.execute(database)
      await sql`
        create trigger audit_events_append_only before update or delete or truncate on audit_events
        for each statement execute function refuse_change()`.execute(database)
    },
  },
}
