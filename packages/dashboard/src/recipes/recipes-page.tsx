import type { ReactNode } from 'react';

import { KindList } from '../catalog/kind-page.js';

/** All recipes. */
export function RecipesPage(): ReactNode {
  return <KindList kind="recipe" />;
}
