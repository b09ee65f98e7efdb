import { useSyncExternalStore } from "react";

/** A value outside React that components can watch. */
export class Store<T> {
  private readonly watchers = new Set<() => void>();

  constructor(private value: T) {}

  get = (): T => this.value;

  set = (value: T): void => {
    this.value = value;
    for (const watcher of this.watchers) watcher();
  };

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };
}

export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.watch, store.get);
}

/** Return what the browser keeps under a name; undefined where it keeps nothing, or may not. */
export function kept<T>(name: string, storage: Storage = localStorage): T | undefined {
  try {
    const text = storage.getItem(`movierec.${name}`);
    return text === null ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}

export function keep(name: string, value: unknown, storage: Storage = localStorage): void {
  try {
    if (value === undefined) storage.removeItem(`movierec.${name}`);
    else storage.setItem(`movierec.${name}`, JSON.stringify(value));
  } catch {
    // A private window may keep nothing: the page works on, for as long as it is open.
  }
}
