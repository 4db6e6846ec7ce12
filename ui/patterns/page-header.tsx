import { useEffect } from 'react';
import classes from './page-header.module.css';

/** Names the browser's tab after what the page shows. */
export function useDocumentTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Cloudlysis Control`;
  }, [title]);
}

/** The title of a page, with its primary action at the right. */
export function PageHeader({ title, children }: { title: string; children?: React.ReactNode }) {
  useDocumentTitle(title);
  return (
    <div className={classes.header}>
      <h1 className={classes.title}>{title}</h1>
      {children && <div className={classes.actions}>{children}</div>}
    </div>
  );
}
