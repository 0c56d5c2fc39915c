import { expect, test } from 'vitest';

import { checkAnswer, checkParameters, isOperation } from './model.js';

const launch = { ImageId: 'ami-1', MinCount: '1', MaxCount: '1' };
const check = (action: string, parameters: Record<string, string>) => () =>
  checkParameters('ec2', action, new Map(Object.entries(parameters)));
const refused = (code: string, message: string) => expect.objectContaining({ code, message }) as Error;

test('what the model of EC2 has is taken, at any depth', () => {
  expect(
    check('RunInstances', {
      ...launch,
      'BlockDeviceMapping.1.DeviceName': '/dev/xvda',
      'BlockDeviceMapping.1.Ebs.VolumeType': 'gp3',
      'BlockDeviceMapping.1.Ebs.Iops': '3000',
      'NetworkInterface.1.SecurityGroupId.1': 'sg-1',
      'TagSpecification.2.Tag.10.Key': 'murmur',
      'MetadataOptions.HttpTokens': 'required',
      DryRun: 'true',
    }),
  ).not.toThrow();
  expect(check('DescribeInstances', { 'Filter.1.Name': 'tag:a', 'Filter.1.Value.3': 'b', MaxResults: '5' })).not.toThrow();
});

test.each([
  ['Colour', 'red', 'The parameter Colour is not recognized'],
  ['BlockDeviceMapping.1.Ebs.Colour', 'red', 'The parameter BlockDeviceMapping.1.Ebs.Colour is not recognized'],
  ['BlockDeviceMapping.0.DeviceName', 'a', 'The parameter BlockDeviceMapping.0.DeviceName is not recognized'],
  ['BlockDeviceMapping.DeviceName', 'a', 'The parameter BlockDeviceMapping.DeviceName is not recognized'],
  ['BlockDeviceMappings.1.DeviceName', 'a', 'The parameter BlockDeviceMappings.1.DeviceName is not recognized'],
  ['ImageId.1', 'ami-1', 'The parameter ImageId.1 is not recognized'],
])('%s=%s is a parameter that the model does not have', (name, value, message) => {
  expect(check('RunInstances', { ...launch, [name]: value })).toThrow(refused('UnknownParameter', message));
});

test.each([
  ['MaxCount', 'many', 'Value (many) for parameter MaxCount is invalid. Expected a number.'],
  ['EbsOptimized', 'yes', 'Value (yes) for parameter EbsOptimized is invalid. Expected a boolean.'],
  ['InstanceType', 't9.huge', "Invalid value 't9.huge' for InstanceType."],
  ['BlockDeviceMapping.1.Ebs.VolumeType', 'tape', "Invalid value 'tape' for VolumeType."],
])('%s=%s is of another type than in the model', (name, value, message) => {
  expect(check('RunInstances', { ...launch, [name]: value })).toThrow(refused('InvalidParameterValue', message));
});

test('what the model requires is missed, also in a structure that was begun', () => {
  const { MinCount: _left, ...rest } = launch;
  expect(check('RunInstances', rest)).toThrow(refused('MissingParameter', 'The request must contain the parameter MinCount'));
  expect(check('ImportKeyPair', { KeyName: 'k' })).toThrow(
    refused('MissingParameter', 'The request must contain the parameter PublicKeyMaterial'),
  );
});

test('the parameters of STS are checked by its own model', () => {
  const role = { RoleArn: 'arn:aws:iam::1:role/r', RoleSessionName: 's' };
  const checkSts = (parameters: Record<string, string>) => () => checkParameters('sts', 'AssumeRole', new Map(Object.entries(parameters)));
  expect(checkSts({ ...role, DurationSeconds: '900', 'Tags.member.1.Key': 'a', 'Tags.member.1.Value': 'b' })).not.toThrow();
  expect(checkSts({ ...role, 'Tags.1.Key': 'a' })).toThrow('The parameter Tags.1.Key is not recognized');
  expect(checkSts({ RoleArn: role.RoleArn })).toThrow('The request must contain the parameter RoleSessionName');
  expect(isOperation('sts', 'RunInstances')).toBe(false);
});

test('an answer that the model does not have is not given', () => {
  const answer = (instance: object) => () =>
    checkAnswer('ec2', 'DescribeInstances', { reservationSet: [{ instancesSet: [instance] }] } as never);
  expect(answer({ instanceId: 'i-1', instanceState: { code: 16, name: 'running' }, ebsOptimized: false })).not.toThrow();
  expect(answer({ instanceID: 'i-1' })).toThrow('the model answers no DescribeInstances.reservationSet[].instancesSet[].instanceID');
  expect(answer({ ebsOptimized: 'no' })).toThrow(
    'the model has another type at DescribeInstances.reservationSet[].instancesSet[].ebsOptimized',
  );
  expect(answer({ launchTime: 'yesterday' })).toThrow('the model has another type');
});
