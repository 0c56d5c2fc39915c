/**
 * The root that an editor lives in. The editor makes its styles while it runs; in a shadow they are objects, while in the page
 * they would be elements, which the page's policy refuses.
 */
export function shadowOf(host: HTMLElement): ShadowRoot {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  root.replaceChildren();
  return root;
}
