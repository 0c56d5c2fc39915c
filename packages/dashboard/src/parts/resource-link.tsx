import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { resourcePath } from '../catalog/kind-title.js';
import { shownText } from './shown-text.js';

/** The name of a resource, which leads to its page. */
export function ResourceLink({ kind, name }: { readonly kind: string; readonly name: string }): ReactNode {
  return (
    <Link to={resourcePath(kind, name)} className="foreign font-medium text-accent hover:underline">
      {shownText(name)}
    </Link>
  );
}
