import { accountOf } from '../accounts.js';
import { time, type Actions } from '../call.js';
import { ApiError } from '../errors.js';
import { count, required } from '../parameters.js';

/** The calls of the Security Token Service. */
export const stsActions: Actions = {
  AssumeRole: {
    parameters: ['DurationSeconds', 'ExternalId', 'Policy', 'PolicyArns', 'RoleArn', 'RoleSessionName', 'Tags'],
    run({ accounts, caller, parameters, settings }) {
      const arn = required(parameters, 'RoleArn');
      const sessionName = required(parameters, 'RoleSessionName');
      if (!/^[\w+=,.@-]{2,64}$/.test(sessionName)) throw invalid('roleSessionName', sessionName, '[\\w+=,.@-]{2,64}');
      const externalId = parameters.get('ExternalId');
      if (externalId !== undefined && !/^[\w+=,.@:/-]{2,1224}$/.test(externalId))
        throw invalid('externalId', externalId, '[\\w+=,.@:\\/-]{2,1224}');
      const seconds = count(parameters, 'DurationSeconds') ?? 3600;
      if (seconds < 900 || seconds > 43_200) throw invalid('durationSeconds', String(seconds), '900 to 43200');
      const role = accounts.roles.get(arn);
      if (
        role === undefined ||
        caller.policy !== undefined ||
        !accounts.trusts(settings.anyExternalId ? { ...role, externalIds: undefined } : role, caller, externalId)
      ) {
        const message = `User: ${caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${arn}`;
        throw new ApiError('AccessDenied', message, 403);
      }
      const session = accounts.openSession(role, sessionName, Math.min(seconds, settings.sessionSeconds));
      return {
        AssumedRoleUser: { AssumedRoleId: session.userId, Arn: session.arn },
        Credentials: {
          AccessKeyId: session.accessKeyId,
          SecretAccessKey: session.secretAccessKey,
          SessionToken: session.sessionToken,
          Expiration: time(session.expiresAt ?? 0),
        },
      };
    },
  },
  GetCallerIdentity: {
    parameters: [],
    run: ({ caller }) => ({ UserId: caller.userId, Account: accountOf(caller.arn), Arn: caller.arn }),
  },
};

function invalid(name: string, value: string, pattern: string): ApiError {
  return new ApiError(
    'ValidationError',
    `1 validation error detected: Value '${value}' at '${name}' failed to satisfy constraint: ${pattern}`,
  );
}
