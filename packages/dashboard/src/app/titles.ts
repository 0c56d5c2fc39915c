import { useEffect } from 'react';

/** Names the page in the browser's tab. */
export function useTitle(...parts: readonly string[]): void {
  const title = [...parts, 'Murmur'].filter((part) => part !== '').join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
}
