import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';

import { PageHead } from '../parts/page.js';
import { Fault } from '../parts/fault.js';
import { Shell } from './shell.js';

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => (
    <PageHead title="There is no such page" name="Not found" about="What it was about may have been deleted or renamed." />
  ),
  errorComponent: ({ error, reset }) => <Fault error={error} again={reset} />,
});

/** Words of an address that filter a list; what is empty is left out of it. */
function words<Name extends string>(...names: readonly Name[]) {
  return (search: Record<string, unknown>): { readonly [N in Name]?: string } => {
    const kept: { [N in Name]?: string } = {};
    for (const name of names) {
      const value = search[name];
      if (typeof value === 'string' && value !== '') kept[name] = value;
      if (typeof value === 'number' || typeof value === 'boolean') kept[name] = String(value);
    }
    return kept;
  };
}

const overview = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(() => import('../overview/overview-page.js'), 'OverviewPage'),
});
const bakes = createRoute({
  getParentRoute: () => root,
  path: '/bakes',
  validateSearch: words('recipe', 'environment', 'placement', 'state'),
  component: lazyRouteComponent(() => import('../bakes/bakes-page.js'), 'BakesPage'),
});
const bake = createRoute({
  getParentRoute: () => root,
  path: '/bakes/$run',
  component: lazyRouteComponent(() => import('../bakes/bake-page.js'), 'BakePage'),
});
const recipes = createRoute({
  getParentRoute: () => root,
  path: '/recipes',
  component: lazyRouteComponent(() => import('../recipes/recipes-page.js'), 'RecipesPage'),
});
const recipe = createRoute({
  getParentRoute: () => root,
  path: '/recipes/$name',
  component: lazyRouteComponent(() => import('../recipes/recipe-page.js'), 'RecipePage'),
});
const images = createRoute({
  getParentRoute: () => root,
  path: '/images',
  validateSearch: words('substrate', 'architecture', 'recipe', 'origin'),
  component: lazyRouteComponent(() => import('../images/images-page.js'), 'ImagesPage'),
});
const image = createRoute({
  getParentRoute: () => root,
  path: '/images/$name',
  component: lazyRouteComponent(() => import('../images/image-page.js'), 'ImagePage'),
});
const kind = createRoute({
  getParentRoute: () => root,
  path: '/catalog/$kind',
  component: lazyRouteComponent(() => import('../catalog/kind-page.js'), 'KindPage'),
});
const resource = createRoute({
  getParentRoute: () => root,
  path: '/catalog/$kind/$name',
  component: lazyRouteComponent(() => import('../catalog/resource-page.js'), 'ResourcePage'),
});
const history = createRoute({
  getParentRoute: () => root,
  path: '/history/$kind/$name',
  validateSearch: words('from', 'to'),
  component: lazyRouteComponent(() => import('../catalog/history-page.js'), 'HistoryPage'),
});
const edit = createRoute({
  getParentRoute: () => root,
  path: '/edit/$kind/$name',
  component: lazyRouteComponent(() => import('../editor/edit-page.js'), 'EditPage'),
});
const create = createRoute({
  getParentRoute: () => root,
  path: '/new/$kind',
  component: lazyRouteComponent(() => import('../editor/edit-page.js'), 'NewPage'),
});
const access = createRoute({
  getParentRoute: () => root,
  path: '/access',
  component: lazyRouteComponent(() => import('../access/access-page.js'), 'AccessPage'),
});
const keys = createRoute({
  getParentRoute: () => root,
  path: '/access/keys',
  component: lazyRouteComponent(() => import('../access/keys-page.js'), 'KeysPage'),
});
const audit = createRoute({
  getParentRoute: () => root,
  path: '/access/audit',
  validateSearch: words('actor', 'resource', 'denied'),
  component: lazyRouteComponent(() => import('../access/audit-page.js'), 'AuditPage'),
});
const code = createRoute({
  getParentRoute: () => root,
  path: '/sign-in/code',
  component: lazyRouteComponent(() => import('../sign-in/code-page.js'), 'CodePage'),
});
const callback = createRoute({
  getParentRoute: () => root,
  path: '/sign-in/callback',
  component: lazyRouteComponent(() => import('../sign-in/callback-page.js'), 'CallbackPage'),
});

/** Every page. All but what is around them is loaded when it is opened. */
export const router = createRouter({
  routeTree: root.addChildren([
    overview,
    bakes,
    bake,
    recipes,
    recipe,
    images,
    image,
    kind,
    resource,
    history,
    edit,
    create,
    access,
    keys,
    audit,
    code,
    callback,
  ]),
  defaultPreload: 'intent',
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
