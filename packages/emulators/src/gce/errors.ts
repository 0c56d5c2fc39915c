/** An error as the Compute API answers it: a status, a reason for programs and a message for people. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly reason: string;
  readonly status: number;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** What an operation ends with that was accepted and could not be done. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly code: string;
  readonly status: number;
  /** What stands below `errorDetails[].errorInfo.metadatas`. */
  readonly details: Readonly<Record<string, string>>;

  constructor(code: string, message: string, status: number, details: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.details = details;
  }
}

/** Something that a path or a link names and that is not there. */
export function notFound(path: string): ApiError {
  return new ApiError(404, 'notFound', `The resource '${path}' was not found`);
}

/** A field whose value is not one that it may have. */
export function invalid(field: string, value: unknown, why: string): ApiError {
  return new ApiError(400, 'invalid', `Invalid value for field '${field}': '${String(value as string)}'. ${why}`);
}

/** The body of an error. */
export function errorBody({ message, reason, status }: ApiError): object {
  return { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } };
}
