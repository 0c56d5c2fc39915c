import { type ReactNode, type RefObject, useId } from 'react';

/**
 * A window before the page. The browser's own element keeps the keyboard inside it, closes it with Escape and gives the focus
 * back, and writes no style of its own into the page.
 */
export function Dialog(props: {
  readonly ref: RefObject<HTMLDialogElement | null>;
  readonly title: string;
  readonly wide?: true;
  readonly children: ReactNode;
}): ReactNode {
  const { children, ref, title, wide } = props;
  const id = useId();
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      className={`panel m-auto max-h-[90dvh] w-[calc(100vw-2rem)] p-5 text-left text-ink shadow-2xl ${wide === true ? 'max-w-5xl' : 'max-w-md'}`}
    >
      <h2 id={id} className="mb-2 text-base font-semibold">
        {title}
      </h2>
      {children}
    </dialog>
  );
}
