import { Tooltip } from '@mantine/core';
import { cloneElement, useState } from 'react';

const DELAY_MS = 250;
/** The pointer is at one place, so one timer does for all hints. */
let timer: ReturnType<typeof setTimeout> | undefined;
const stopWaiting = () => clearTimeout(timer);
const wait = (then: () => void) => {
  stopWaiting();
  timer = setTimeout(then, DELAY_MS);
};

/**
 * A tooltip that costs nothing until it is wanted: a table has hundreds, and one is read. The child has to be an element that takes
 * pointer and focus events.
 */
export function Hint({
  label,
  children,
}: {
  label: React.ReactNode;
  children: React.ReactElement<React.DOMAttributes<HTMLElement>>;
}) {
  const [at, setAt] = useState<HTMLElement | null>(null);
  const show = ({ currentTarget }: { currentTarget: HTMLElement }) => wait(() => setAt(currentTarget));
  const hide = () => {
    stopWaiting();
    setAt(null);
  };
  const { props } = children;
  return (
    <>
      {cloneElement(children, {
        onPointerEnter: (event) => {
          props.onPointerEnter?.(event);
          show(event);
        },
        onPointerLeave: (event) => {
          props.onPointerLeave?.(event);
          hide();
        },
        onFocus: (event) => {
          props.onFocus?.(event);
          if (event.currentTarget.matches(':focus-visible')) show(event);
        },
        onBlur: (event) => {
          props.onBlur?.(event);
          hide();
        },
      })}
      {at?.isConnected && <Tooltip opened target={at} label={label} />}
    </>
  );
}
