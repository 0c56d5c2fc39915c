import type { ErrorTable } from '@murmur/api';

import type { DescMessage, JsonObject, MessageShape } from '@bufbuild/protobuf';

import type { Decoding } from './decode.js';
import { type FieldFault } from './faults.js';
import type { Targets } from './targets.js';

/** One row of a kind's field table. */
export interface FieldDocumentation {
  readonly path: string;
  readonly type: string;
  readonly required: 'yes' | 'no' | 'conditional' | 'one of';
  readonly description: string;
}

/** A field that names another resource. */
export interface Reference {
  readonly path: string;
  /** The kind of the resource named. */
  readonly kind: string;
  readonly name: string;
  /** What is wrong when there is no such resource. */
  readonly missing: FieldFault;
}

/** A permission that somebody gets, for resources whose names match a pattern. */
export interface Given {
  readonly permission: string;
  readonly names: string;
}

/** Something that a document uses by naming it, and the permission that takes. */
export interface Used {
  readonly permission: string;
  readonly name: string;
  /** Where it is used, if that can be chosen: used elsewhere is used anew. */
  readonly where?: string;
}

/** A column of a kind's list. */
export interface ListColumn<Spec> {
  readonly header: string;
  cell(spec: Spec): string;
}

/** All there is to say about one kind of resource. Everything else about kinds is the same for each of them. */
export interface KindDefinition<Schema extends DescMessage> {
  /** Lower case with hyphens, as in `murmur get machine-type`. The `Resource` message has the same name with underscores. */
  readonly name: string;
  readonly schema: Schema;
  readonly summary: string;
  /** Who may write resources of this kind; `tenants` unless given. */
  readonly writers?: 'tenants' | 'platform';
  /**
   * What names are: DNS labels unless given. Names of variables are never the platform's, so the builtins' prefix means
   * nothing in them.
   */
  readonly naming?: 'label' | 'variable';
  /**
   * The string field, by its snake_case name, whose value is stored sealed, apart from the rest, and never handed out again. A
   * write without it keeps the value there is.
   */
  readonly sealedField?: string;
  readonly decoding?: Decoding;
  readonly fields: readonly FieldDocumentation[];
  /** A document of this kind. */
  readonly example: string;
  /** Their order decides which of several faults is the message. */
  readonly errors: ErrorTable;
  readonly columns: readonly ListColumn<MessageShape<Schema>>[];
  /** What is stored instead of what was written; it must not change what it made. */
  normalise?(spec: MessageShape<Schema>): MessageShape<Schema>;
  /** What is wrong with the document by itself. `written` also holds what the message cannot. */
  validate(spec: MessageShape<Schema>, written: JsonObject): Iterable<FieldFault>;
  /** What is also wrong with it when there is no such resource yet, or none with a sealed value that could be kept. */
  validateNew?(spec: MessageShape<Schema>, written: JsonObject): Iterable<FieldFault>;
  /** The resources the document names. Empty names are left out. */
  references?(spec: MessageShape<Schema>): readonly Reference[];
  /** What is wrong with the resources named that do exist. */
  checkTargets?(spec: MessageShape<Schema>, targets: Targets): Iterable<FieldFault>;
  /** What the document gives to others, which its writer must hold. */
  gives?(spec: MessageShape<Schema>, targets: Targets): readonly Given[];
  /** What it uses that takes a permission of its writer; what it used before is not asked for anew. */
  uses?(spec: MessageShape<Schema>): readonly Used[];
  /** Whether those it lists get what the resources that name it give. */
  readonly countsIn?: boolean;
  /** Why the resource as it is now takes no such write; a removal writes nothing. */
  refuseWrite?(current: MessageShape<Schema>, written: JsonObject | undefined): Iterable<FieldFault>;
  /** Its builtins are on the server's own host: they are there for those alone whom the operator lets use it. */
  readonly builtinsOnHost?: boolean;
}

/** A kind, whatever its message. */
export interface Kind extends KindDefinition<DescMessage> {
  readonly writers: 'tenants' | 'platform';
}

/** Defines a kind for the registry in `kinds/index.ts`. */
export function defineKind<Schema extends DescMessage>(definition: KindDefinition<Schema>): Kind {
  return { writers: 'tenants', ...definition };
}
