import { useSyncExternalStore } from 'react';

/** How the pages look: as the system does, or always so. */
export const themes = ['system', 'light', 'dark'] as const;

/** One of {@link themes}. */
export type Theme = (typeof themes)[number];

const key = 'murmur.theme';
const dark = window.matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();

/** The theme that was chosen here. */
function theme(): Theme {
  const stored = localStorage.getItem(key);
  return themes.find((one) => one === stored) ?? 'system';
}

/** Chooses a theme and keeps it. */
export function setTheme(next: Theme): void {
  localStorage.setItem(key, next);
  show();
}

/** Puts the theme on the page, and keeps it there as the system changes. */
export function startTheme(): void {
  dark.addEventListener('change', show);
  show();
}

/** The theme that was chosen, as it changes. */
export function useTheme(): Theme {
  return useSyncExternalStore(listen, theme);
}

/** Whether the pages are dark now. */
export function useIsDark(): boolean {
  return useSyncExternalStore(listen, () => document.documentElement.dataset['theme'] === 'dark');
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function show(): void {
  const chosen = theme();
  const isDark = chosen === 'dark' || (chosen === 'system' && dark.matches);
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
  for (const listener of listeners) listener();
}
