import { lazy, Suspense, useEffect, useRef } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { isOffline, viewer } from "./api";
import { Icon } from "./card";
import { useStrings } from "./i18n";
import { glass, notice, renewLists } from "./marks";
import { Home } from "./pages/home";
import { GridSkeleton } from "./row";
import { Settings } from "./settings";
import { useStore } from "./store";
import { Boundary, Nowhere } from "./trouble";

const scripts = {
  browse: () => import("./pages/browse"),
  film: () => import("./pages/film"),
  mine: () => import("./pages/mine"),
  search: () => import("./pages/search"),
  start: () => import("./pages/start"),
  together: () => import("./pages/together"),
  viewers: () => import("./pages/viewers"),
};
const Browse = lazy(scripts.browse);
const FilmPage = lazy(scripts.film);
const Glass = lazy(() => import("./glass"));
const Mine = lazy(scripts.mine);
const Search = lazy(scripts.search);
const Start = lazy(scripts.start);
const Together = lazy(scripts.together);
const Viewers = lazy(scripts.viewers);

/** Fetch the script of a page that is probably next. Without it the page itself fetches it, and says what is wrong. */
function fetchAhead(page: string): void {
  if (page in scripts && !isOffline.get()) void scripts[page as keyof typeof scripts]().catch(() => undefined);
}

const AHEAD_MS = 3000; // after the start, which has the network to itself

export function App() {
  const t = useStrings();
  const behind = useStore(glass);
  const who = useStore(viewer);
  const [path] = useLocation();
  useEffect(() => {
    const timer = window.setTimeout(() => fetchAhead("film"), AHEAD_MS); // what a list leads to
    return () => window.clearTimeout(timer);
  }, []);
  return (
    <>
      <a className="skip" href="#content">{t.skip}</a>
      {behind && <a className="skip" href="#glass">{t.skipToGlass}</a>}
      <Bar />
      <Offline />
      <Content>
        <Boundary key={path}>
          <Suspense fallback={<GridSkeleton />}>
            <Switch>
              <Route path="/">{who === undefined ? <Viewers first /> : <Home />}</Route>
              <Route path="/viewers"><Viewers /></Route>
              <Route path="/film/:id">{({ id }) => <FilmPage key={id} id={decodeURIComponent(id)} />}</Route>
              <Route path="/browse"><Browse /></Route>
              <Route path="/search"><Search /></Route>
              <Route path="/mine/:tab?">{({ tab }) => <Mine tab={tab ?? "history"} />}</Route>
              <Route path="/together"><Together /></Route>
              <Route path="/start"><Start /></Route>
              <Route><Nowhere /></Route>
            </Switch>
          </Suspense>
        </Boundary>
      </Content>
      {behind && <Boundary><Suspense><Glass /></Suspense></Boundary>}
      <Notices />
    </>
  );
}

function Bar() {
  const t = useStrings();
  const [path] = useLocation();
  const who = useStore(viewer);
  const links = [["/", t.nav.home], ["/browse", t.nav.browse], ["/search", t.nav.search], ["/mine", t.nav.mine], ["/together", t.nav.together]] as const;
  const here = (href: string) => (href === "/" ? path === "/" : path.startsWith(href));
  return (
    <header className="bar">
      <Link className="brand" href="/" onClick={renewLists}>movierec</Link>
      <nav aria-label={t.menu}>
        {links.map(([href, label]) => (
          <Link key={href} href={href} aria-current={here(href) ? "page" : undefined} onClick={href === "/" ? renewLists : undefined}
            onPointerEnter={() => fetchAhead(href.slice(1))} onFocus={() => fetchAhead(href.slice(1))}>{label}</Link>
        ))}
      </nav>
      <div className="bar-end">
        <Link className="who" href="/viewers" onPointerEnter={() => fetchAhead("viewers")} onFocus={() => fetchAhead("viewers")} title={t.switchViewer} aria-label={`${t.who(who?.label || t.nobody)}. ${t.switchViewer}`}>
          <Icon name="person" />{who !== undefined && <span>{who?.label || t.nobody}</span>}
        </Link>
        <Settings />
      </div>
    </header>
  );
}

/** The page's content: after a step to another page, or of another viewer, it has the focus, at its top. */
function Content({ children }: { children: React.ReactNode }) {
  const [path] = useLocation();
  const who = useStore(viewer);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    main.current?.focus({ preventScroll: true });
  }, [path, who]);
  return <main id="content" ref={main} tabIndex={-1}>{children}</main>;
}

function Offline() {
  const t = useStrings();
  return useStore(isOffline) ? <p className="note" role="status"><b>{t.trouble.offline}.</b> {t.trouble.offlineHint}</p> : null;
}

function Notices() {
  const { text, number } = useStore(notice);
  return <div className="notice" role="status" aria-live="polite">{text && <span key={number}>{text}</span>}</div>;
}
