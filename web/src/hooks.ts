import { useEffect, useRef, useState, type RefObject } from "react";
import { listInfo, type ListInfo } from "./marks";

/** Name the page in the window's title. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · movierec` : "movierec";
  }, [title]);
}

/** Tell whether the element was ever near the window. */
export function useNear<T extends Element>(): [RefObject<T | null>, boolean] {
  const place = useRef<T>(null);
  const [near, setNear] = useState(false);
  useEffect(() => {
    const element = place.current;
    if (!element || near) return;
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && setNear(true),
      { rootMargin: "300px 0px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [near]);
  return [place, near];
}

/** Call `then` whenever the element comes near the window. */
export function useReached(then: () => void, active: boolean): RefObject<HTMLDivElement | null> {
  const place = useRef<HTMLDivElement>(null);
  const latest = useRef(then);
  latest.current = then;
  useEffect(() => {
    const element = place.current;
    if (!element || !active) return;
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && latest.current(),
      { rootMargin: "400px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [active]);
  return place;
}

/** Return the value as it was when it had not changed for a while. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), ms);
    return () => window.clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/** Show behind the glass what a list said of itself. */
export function useListInfo(info: ListInfo | undefined): void {
  const text = JSON.stringify(info);
  useEffect(() => {
    if (text !== undefined) listInfo.set(JSON.parse(text) as ListInfo);
  }, [text]);
}
