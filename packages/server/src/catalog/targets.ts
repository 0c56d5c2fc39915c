import { type DescMessage, type Message, type MessageShape, isMessage } from '@bufbuild/protobuf';

/** Where a resource is stored. */
export interface Address {
  readonly tenant: string;
  readonly kind: string;
  readonly name: string;
}

/** A resource that a field names and that exists. */
export interface Target {
  readonly path: string;
  readonly address: Address;
  readonly spec: Message;
}

/** The resources a document names, by the field that names them. */
export class Targets {
  readonly all: readonly Target[];

  constructor(all: readonly Target[]) {
    this.all = all;
  }

  /** The resource this field names; undefined when the field is empty or the resource does not exist. */
  at<Schema extends DescMessage>(path: string, schema: Schema): MessageShape<Schema> | undefined {
    const found = this.all.find((target) => target.path === path)?.spec;
    return isMessage(found, schema) ? found : undefined;
  }
}
