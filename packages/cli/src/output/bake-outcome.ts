import { type StartBakeResponse, StartBakeResponse_Outcome } from '@murmur/api';

/** The lines that answer `murmur bake`, for standard output. */
export function renderOutcome(response: StartBakeResponse): string {
  const { scope, artifactName, imageHash, imageName } = response;
  const described = `(scope: ${scope}, image: ${artifactName}, hash: ${imageHash})`;
  switch (response.outcome) {
    case StartBakeResponse_Outcome.CACHED:
      return `Image ${artifactName} already cached (hash: ${imageHash})\n`;
    case StartBakeResponse_Outcome.IN_PROGRESS:
      return `Bake in progress ${described}\n`;
    case StartBakeResponse_Outcome.WOULD_START:
      return `Bake would start ${described}\n`;
    case StartBakeResponse_Outcome.STARTED:
    case StartBakeResponse_Outcome.UNSPECIFIED:
      return `Bake started ${described}\nPin workspace with: murmur patch workspace <name> --set image_ref=${imageName}\n`;
  }
}
