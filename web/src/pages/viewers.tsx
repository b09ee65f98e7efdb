import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { ApiError, beginAsNew, demoViewers, loggedIn, type DemoViewer } from "../api";
import { Icon } from "../card";
import { config } from "../config";
import { useTitle } from "../hooks";
import { useStrings } from "../i18n";
import { become } from "../marks";
import { Poster } from "../poster";
import { Trouble } from "../trouble";

/** Who is watching: a viewer of the demo, somebody new, two together. A real site says itself who is logged in. */
export default function Viewers({ first = false }: { first?: boolean }) {
  const t = useStrings();
  const [, go] = useLocation();
  useTitle(t.chooser.title);
  const login = useQuery({ queryKey: ["login"], queryFn: loggedIn, enabled: config.tokenUrl !== "", retry: false });
  const demo = useQuery({ queryKey: ["demo"], queryFn: demoViewers, enabled: config.tokenUrl === "", retry: false });
  const isClosed = demo.error instanceof ApiError && demo.error.status === 404; // no demo: the page shows what all watch

  const wished = new URLSearchParams(useSearch()).get("as"); // a link of the admin: see the page as this viewer
  const isDemo = demo.data !== undefined;
  useEffect(() => {
    if (login.data) become(login.data);
    else if (wished && isDemo) {
      become({ id: /^\d+$/.test(wished) ? Number(wished) : wished, label: wished });
      go("/");
    }
    else if (isClosed && first) become(null);
  }, [login.data, isClosed, first, wished, isDemo, go]);

  const choose = (who: Parameters<typeof become>[0], where = "/") => {
    become(who);
    go(where);
  };
  if (login.isError) return <Trouble error={login.error} retry={() => void login.refetch()} />;
  if (demo.isError && !isClosed) return <Trouble error={demo.error} retry={() => void demo.refetch()} />;
  return (
    <>
      <div className="page-head"><h1>{t.chooser.title}</h1></div>
      <p className="lead">{t.chooser.intro}</p>
      <ul className="faces">
        {!isClosed && (
          <>
            <li>
              <button type="button" className="face special" onClick={() => void beginAsNew(t.chooser.guest).then((who) => choose(who, "/start"))}>
                <span className="face-icon"><Icon name="plus" /></span>
                <b>{t.chooser.new}</b><span className="small">{t.chooser.newHint}</span>
              </button>
            </li>
            <li>
              <Link className="face special" href="/together">
                <span className="face-icon"><Icon name="people" /></span>
                <b>{t.chooser.two}</b><span className="small">{t.chooser.twoHint}</span>
              </Link>
            </li>
          </>
        )}
        <li>
          <button type="button" className="face special" onClick={() => choose(null)}>
            <span className="face-icon"><Icon name="person" /></span>
            <b>{t.chooser.everyone}</b><span className="small">{t.chooser.everyoneHint}</span>
          </button>
        </li>
        {demo.data?.map((face) => <li key={face.user_id}><Face face={face} onChoose={() => choose({ id: face.user_id, label: face.genres.join(", ") })} /></li>)}
        {demo.isPending && config.tokenUrl === "" && Array.from({ length: 9 }, (_, n) => <li key={n} aria-hidden="true"><i className="skeleton face" /></li>)}
      </ul>
    </>
  );
}

/** A viewer drawn from their taste: two films they like, three genres. */
export function Face({ face, onChoose, pressed }: { face: DemoViewer; onChoose: () => void; pressed?: boolean }) {
  const t = useStrings();
  return (
    <button type="button" className="face" onClick={onChoose} aria-pressed={pressed}>
      <span className="face-films">{face.films.map((film) => <Poster key={film.movie_id} film={film} />)}</span>
      <b>{face.genres.join(", ")}</b>
      <span className="small">{t.chooser.likes(face.films.map((film) => film.title).join(", "))}</span>
    </button>
  );
}
