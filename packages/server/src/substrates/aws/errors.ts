import { type ErrorTable, type Image, type Placement, refusal, rowAbout } from '@murmur/api';

/** What a bake on AWS can be refused with before anything is asked of it. The reference shows this very table. */
export const awsErrors = {
  noAmi: rowAbout(
    'FAILED_PRECONDITION',
    ['X', 'REGION'],
    (image, region) => `base image "${image}" has no AMI in region ${region}`,
    "Add the region's AMI to the image, or choose a placement in a region it has.",
  ),
} satisfies ErrorTable;

/** Throws FAILED_PRECONDITION when an image has no AMI where the placement is. */
export function checkRegion(image: Image, placement: Placement): void {
  if (image.source.case !== 'aws' || placement.target.case !== 'aws') return;
  const { region } = placement.target.value;
  if (!Object.hasOwn(image.source.value.amiIds, region)) throw refusal(awsErrors.noAmi, [image.name, region]);
}
