/** What somebody does in the browser: opens the address, confirms the code, signs in under this name and agrees. */
export async function confirmInBrowser(address: string, name: string): Promise<void> {
  const cookies = new Map<string, string>();
  const visit = async (target: string, form?: URLSearchParams): Promise<{ at: string; page: string }> => {
    const response = await fetch(target, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([key, value]) => `${key}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, key = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === '') cookies.delete(key);
      else cookies.set(key, value);
    }
    const next = response.headers.get('location');
    return next === null ? { at: target, page: await response.text() } : visit(new URL(next, target).href);
  };
  let { at, page } = await visit(address);
  for (let step = 0; step < 8; step += 1) {
    const action = /<form[^>]* action="([^"]*)"/.exec(page)?.[1];
    if (action === undefined) {
      if (/Sign-in Success/i.test(page)) return;
      throw new Error(`no way on from ${at}: ${page}`);
    }
    const form = new URLSearchParams();
    for (const [field] of page.matchAll(/<input[^>]*>/g)) {
      const key = /name="([^"]*)"/.exec(field)?.[1];
      if (key !== undefined) form.set(key, key === 'login' ? name : (/value="([^"]*)"/.exec(field)?.[1] ?? 'x'));
    }
    ({ at, page } = await visit(new URL(action, at).href, form));
  }
  throw new Error(`signing in does not end: ${page}`);
}
