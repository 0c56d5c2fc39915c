import { useSyncExternalStore } from 'react';

/** The line that the address names, such as `#L12`, counted from 0. */
export function useLineLink(): number | undefined {
  const hash = useSyncExternalStore(listen, () => window.location.hash);
  const [, number] = /^#L([1-9]\d{0,8})$/.exec(hash) ?? [];
  return number === undefined ? undefined : Number(number) - 1;
}

function listen(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  window.addEventListener('popstate', listener);
  return () => {
    window.removeEventListener('hashchange', listener);
    window.removeEventListener('popstate', listener);
  };
}
