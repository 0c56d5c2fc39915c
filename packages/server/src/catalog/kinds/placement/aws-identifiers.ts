/** The id of an AWS account. */
export const accountId = /^[0-9]{12}$/;

/** The ids EC2 gives, in their short form of old and their long form. */
export const identifiers = {
  vpc: /^vpc-[0-9a-f]{8,17}$/,
  subnet: /^subnet-[0-9a-f]{8,17}$/,
  securityGroup: /^sg-[0-9a-f]{8,17}$/,
};
