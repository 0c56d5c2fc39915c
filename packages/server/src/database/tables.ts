import type { ColumnType, Generated, JSONColumnType, Kysely, Transaction } from 'kysely';

type Timestamp = ColumnType<Date, Date | string | undefined, Date | string>;
type NullableTimestamp = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
/** A jsonb column that may be null; written as text. */
type NullableJson = ColumnType<object | null, string | null | undefined, string | null>;
/** A bigint that stays below 2^53; the pool reads it as a number. */
type Count = ColumnType<number, number, number>;

/** The tables of `migrations/*.sql`, where the meaning of each column is written. */
export interface Tables {
  tenants: { id: string; created_at: Timestamp };
  installation: { only_row: Generated<boolean>; id: string };
  tenant_keys: { tenant: string; kek_id: string; wrapped_key: Buffer; created_at: Timestamp };
  master_key: { only_row: Generated<boolean>; kek_id: string; wrapped_value: Buffer };
  issuer_key: { only_row: Generated<boolean>; kid: string; sealed: Buffer; created_at: Timestamp };
  api_keys: {
    id: string;
    tenant: string;
    subject: string;
    operator: boolean;
    secret_hash: Buffer;
    created_at: Timestamp;
    expires_at: NullableTimestamp;
    revoked_at: NullableTimestamp;
    description: Generated<string>;
    author: Generated<string>;
    maker: string | null;
    parent_key: string | null;
  };
  secret_values: { tenant: string; name: string; generation: Count; sealed: Buffer };
  audit_entries: {
    id: Generated<number>;
    tenant: string;
    at: Timestamp;
    actor: string;
    key_id: string;
    address: Generated<string>;
    action: string;
    kind: string;
    name: string;
    allowed: boolean;
  };
  audit_outcomes: { entry: number; code: string; made_kind: Generated<string>; made_name: Generated<string>; at: Timestamp };
  resources: {
    tenant: string;
    kind: string;
    name: string;
    generation: Count;
    spec: JSONColumnType<object>;
    author: string;
    created_at: Timestamp;
    updated_at: Timestamp;
    ordinal: Generated<number>;
  };
  resource_generations: {
    tenant: string;
    kind: string;
    name: string;
    generation: Count;
    spec: JSONColumnType<object> | null;
    author: string;
    at: Timestamp;
  };
  resource_references: {
    tenant: string;
    kind: string;
    name: string;
    path: string;
    target_tenant: string;
    target_kind: string;
    target_name: string;
  };
  hosts: {
    id: string;
    name: Generated<string>;
    started_at: Timestamp;
    seen_at: Timestamp;
    retired_at: NullableTimestamp;
    instance: string | null;
    process: JSONColumnType<object> | null;
  };
  runs: {
    id: string;
    ordinal: Generated<number>;
    tenant: string;
    recipe: string;
    environment: string;
    placement: string;
    image_hash: string;
    build_number: number;
    image_name: string;
    artifact_name: string;
    substrate: string;
    scope: string;
    phase: string;
    attempt: Generated<number>;
    epoch: Generated<number>;
    executor: string | null;
    host: string | null;
    begun: Generated<number>;
    first_attempt: Generated<number>;
    inputs: JSONColumnType<object>;
    sealed_variables: Buffer | null;
    guest_offset: Generated<number>;
    log_size: Generated<number>;
    log_tail: string | null;
    keep_on_failure_seconds: Generated<number>;
    kept_until: NullableTimestamp;
    kept_shell: string | null;
    cancel_requested_at: NullableTimestamp;
    error: string | null;
    author: string;
    created_at: Timestamp;
    ended_at: NullableTimestamp;
  };
  run_references: { run_id: string; target_tenant: string; target_kind: string; target_name: string };
  run_steps: {
    run_id: string;
    attempt: number;
    step: string;
    started_at: Timestamp;
    ended_at: NullableTimestamp;
    watched_ms: Generated<number>;
  };
  run_log: { run_id: string; start_offset: Count; text: string; at: Timestamp };
  intents: {
    token: string;
    run_id: string;
    attempt: number;
    step: string;
    substrate: string;
    created_at: Timestamp;
    settled_at: NullableTimestamp;
    missed_at: NullableTimestamp;
    site: NullableJson;
  };
  discards: { image_id: string; since: Timestamp };
  sites: {
    substrate: string;
    site: JSONColumnType<object>;
    used_at: Timestamp;
    visited_until: NullableTimestamp;
    visited_at: NullableTimestamp;
    complete_at: NullableTimestamp;
    fault: string | null;
  };
  unknown_things: { token: string; first_seen_at: Timestamp; seen_at: Timestamp };
  host_room: { host: string; memory_mb: Count; vcpus: number; tenant_machines: number | null; held_up: string | null };
  room_claims: {
    id: string;
    kind: 'bake' | 'try';
    tenant: string;
    host: string;
    memory_mb: Count;
    vcpus: number;
    asked_at: Timestamp;
    admitted_at: NullableTimestamp;
    told_ahead: number | null;
  };
  room_turns: { host: string; tenant: string; last_at: Timestamp };
  trials: {
    id: string;
    tenant: string;
    executor: string | null;
    token: string;
    substrate: string;
    created_at: Timestamp;
    site: NullableJson;
  };
  artifacts: {
    tenant: string;
    image_name: string;
    recipe: string;
    image_hash: string;
    build_number: number;
    run_id: string;
    artifact_name: string;
    substrate: string;
    scope: string;
    reference: JSONColumnType<object>;
    created_at: Timestamp;
    checked_at: Timestamp;
    missing_at: NullableTimestamp;
    site: NullableJson;
    image_id: string | null;
    host: string | null;
  };
}

/** The database, outside a transaction. */
export type Database = Kysely<Tables>;

/** The database or a transaction on it. */
export type Queryable = Kysely<Tables> | Transaction<Tables>;

/** An open transaction. */
export type DatabaseTransaction = Transaction<Tables>;
