// page.js: the status page, alive. It asks the admin interface that it came from, and nothing else:
// GET /status every few seconds, GET /events as it comes, GET /explain, POST /members/ID/ORDER.
// Whatever comes from traffic becomes text by textContent alone.
'use strict';

(() => {
  const STATUS_PERIOD_MS = 2000;
  const RETRY_MS = 3000;
  const LOG_LINES_MAX = 300;
  const TIMELINE_MS = [60, 300, 900, 3600].map((s) => s * 1000); // the shortest that shows all, or the last
  const BAD = new Set(['failover', 'no_live_member', 'member_down', 'disagree', 'master_lost', 'reload_refused', 'upgrade_refused', 'tag_rejected']);
  const WELL = new Set(['member_up', 'failback', 'master_elected', 'master_back', 'outage_summary', 'reload', 'upgraded', 'drain_done']);
  const ORDERS = { up: ['drain', 'maint'], suspect: ['drain', 'maint'], drain: ['undrain', 'maint'], down: ['maint'], maint: ['up'] };
  const QUESTIONS = {
    drain: 'gets no new sessions; those that live there stay. Drain it?',
    undrain: 'takes new sessions again. End the drain?',
    maint: 'is taken out: everybody there goes elsewhere at once. Take it out?',
    up: 'is used again as its checks find it. Take it back?',
  };

  // ---- elements ---------------------------------------------------------------------------------

  const put = (node, children) => {
    for (const child of children.flat(Infinity)) {
      if (child !== null && child !== undefined) {
        node.append(child instanceof Node ? child : String(child));
      }
    }
    return node;
  };

  const el = (tag, given = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(given)) {
      if (name.startsWith('on')) {
        node.addEventListener(name.slice(2), value);
      } else if (value === true) {
        node.setAttribute(name, '');
      } else if (value !== false && value !== null && value !== undefined) {
        node.setAttribute(name, value);
      }
    }
    return put(node, children);
  };

  // An element's style is set by the object model: the policy of the page lets no attribute in.
  const styled = (node, style) => {
    Object.assign(node.style, style);
    return node;
  };

  const byId = (id) => document.getElementById(id);
  const fill = (node, ...children) => {
    node.replaceChildren();
    return put(node, children);
  };

  // A table whose cells know their heading: on a phone a row is a card.
  const table = (heads, rows) => el('div', { class: 'wide' }, el('table', {},
    el('thead', {}, el('tr', {}, heads.map(([text, kind]) => el('th', { class: kind, scope: 'col' }, text)))),
    el('tbody', {}, rows.map((cells) => el('tr', {}, cells.map((cell, i) =>
      el('td', { class: heads[i][1], 'data-label': heads[i][0] }, cell)))))));

  const duration = (ms) => {
    const s = Math.max(0, ms) / 1000;
    if (s < 60) return `${s.toFixed(1)} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
    if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
    return `${Math.floor(s / 86400)} d ${Math.floor(s % 86400 / 3600)} h`;
  };

  const count = (n) => Number(n).toLocaleString('en-US');

  // ---- asking -----------------------------------------------------------------------------------

  // A token that was typed stays in this tab, and goes nowhere but where the page came from.
  let token = sessionStorage.getItem('holdfast-token');

  const reason = async (answer) => {
    const text = await answer.text();
    try {
      return JSON.parse(text).error || answer.statusText;
    } catch {
      return answer.statusText;
    }
  };

  const ask = async (path, more = {}) => {
    const headers = { ...(more.headers || {}) };
    if (token) headers.Authorization = `Bearer ${token}`;
    const answer = await fetch(path, { ...more, headers, cache: 'no-store', credentials: 'omit' });
    if (answer.status === 401) wantToken();
    if (!answer.ok) throw new Error(await reason(answer));
    return answer;
  };

  const wantToken = () => {
    if (byId('token')) return;
    const field = el('input', { type: 'password', id: 'token', autocomplete: 'off', required: true });
    const form = el('form', {
      onsubmit: (e) => {
        e.preventDefault();
        token = field.value;
        sessionStorage.setItem('holdfast-token', token);
        start();
      },
    }, el('label', { for: 'token' }, 'Token of the admin interface'), field, el('button', {}, 'Show'));
    fill(document.querySelector('main'), el('section', {}, el('h2', {}, 'Who asks?'), form));
    field.focus();
  };

  // ---- members ----------------------------------------------------------------------------------

  let status = null;

  const stateOf = (m) => el('span', { class: `state ${m.state}`, title: m.check ? m.check.seen : 'not checked' }, m.state);

  const bars = (health) => el('span', {
    class: 'bars', role: 'img', title: `${count(health.well)} checks well, ${count(health.failed)} failed`,
    'aria-label': `${health.well} checks well, ${health.failed} failed`,
  }, [...health.history].map((one) => el('i', { class: one === '1' ? 'ok' : '' })));

  const load = (m, most) => {
    const of = m.connections_max || most;
    const part = of ? Math.min(100, 100 * m.active / of) : 0;
    return [el('span', { class: 'meter', 'aria-hidden': 'true' }, styled(el('i'), { width: `${part}%` })),
      ` ${count(m.active)}${m.connections_max ? ` of ${count(m.connections_max)}` : ''}${m.waiting ? `, ${count(m.waiting)} wait` : ''}`];
  };

  const confirm = (text) => new Promise((done) => {
    const dialog = el('dialog', { 'aria-label': 'Confirm' }, el('p', {}, text),
      el('form', { method: 'dialog' }, el('button', { value: 'yes' }, 'Yes'), el('button', { value: 'no', autofocus: true }, 'No')));
    dialog.addEventListener('close', () => {
      dialog.remove();
      done(dialog.returnValue === 'yes');
    });
    document.body.append(dialog);
    dialog.showModal();
  });

  const say = (text, bad = false) => {
    const at = byId('said');
    at.textContent = text;
    at.className = bad ? 'state down' : 'state up';
  };

  const give = async (service, member, order) => {
    if (!await confirm(`${member.id} of ${service.name} ${QUESTIONS[order]}`)) return;
    try {
      await ask(`/members/${encodeURIComponent(member.id)}/${order}?service=${encodeURIComponent(service.name)}`,
        { method: 'POST', headers: { 'Holdfast-Admin': '1' } });
      say(`${member.id}: ${order}`);
    } catch (e) {
      say(`${member.id}: ${e.message}`, true);
    }
    refresh();
  };

  const orders = (service, m) => ORDERS[m.state].map((order) =>
    el('button', { 'data-key': `${service.name}/${m.id}/${order}`, 'aria-label': `${order} ${m.id}`, onclick: () => give(service, m, order) }, order));

  const weightOf = (m) => (m.share === m.weight ? m.weight : `${m.weight} (now ${m.share.toFixed(2)})`);

  const membersOf = (service) => {
    const most = Math.max(1, ...service.members.map((m) => m.active));
    return table([['member'], ['origin'], ['zone'], ['state'], ['reason'], ['for'], ['checks'], ['load'], ['weight', 'n'],
      ['attempts', 'n'], ['failed', 'n'], ['']],
    service.members.map((m) => [m.id, m.origin, m.zone || '-', stateOf(m), m.reason === 'none' ? '' : m.reason,
      duration(m.state_ms), bars(m.health), load(m, most), weightOf(m), count(m.attempts), count(m.failures),
      orders(service, m)]));
  };

  // ---- sessions ---------------------------------------------------------------------------------

  let before = null; // totals of the status before, for rates

  const rate = (service) => {
    const was = before && before.services.find((s) => s.name === service.name);
    const ms = was ? status.uptime_ms - before.uptime_ms : 0;
    return ms > 0 ? (service.requests.total - was.requests.total) * 1000 / ms : 0;
  };

  const outcomes = (service) => {
    const r = service.requests;
    const errors = Object.entries(r.by_cause).filter(([cause]) => cause !== 'done' && cause !== 'tunnel_done');
    return [
      el('p', { class: 'outcomes' }, el('span', {}, el('b', {}, count(r.total)), ' requests'),
        el('span', {}, el('b', {}, rate(service).toFixed(1)), ' a second'),
        Object.entries(r.by_affinity).filter(([name]) => name !== 'none').map(([name, n]) =>
          el('span', {}, el('b', {}, count(n)), ` ${name}`)),
        el('span', {}, el('b', {}, count(r.retries)), ' retries')),
      errors.length ? el('p', { class: 'soft' }, 'ended otherwise: ', errors.map(([cause, n]) => `${cause} ${count(n)}`).join(', ')) : null,
    ];
  };

  // ---- outages ----------------------------------------------------------------------------------

  const track = (m, now, span) => {
    const node = el('div', { class: 'track', role: 'img' });
    const began = now - span;
    const changes = m.transitions.map((t) => ({ at: Date.parse(t.at), to: t.to, from: t.from, reason: t.reason }));
    const started = Math.max(began, Date.parse(status.started));
    const place = (from, to, kind, title) => {
      if (to <= began) return;
      const left = Math.max(from, began);
      node.append(styled(el('i', { class: kind, title }),
        { left: `${100 * (left - began) / span}%`, width: `${100 * (to - left) / span}%` }));
    };
    if (started > began) place(began, started, 'unknown', 'not running');
    const outages = [];
    changes.forEach((c, i) => {
      const until = i + 1 < changes.length ? changes[i + 1].at : now;
      const title = `${c.to} from ${new Date(c.at).toISOString()} for ${duration(until - c.at)}: ${c.reason}`;
      if (c.to !== 'up') outages.push(title);
      place(c.at, until, c.to, title);
    });
    node.setAttribute('aria-label', outages.length ? `${m.id}: ${outages.join('; ')}` : `${m.id}: up`);
    return node;
  };

  const timeline = (service, now) => {
    const span = TIMELINE_MS.find((ms) => ms >= status.uptime_ms) || TIMELINE_MS.at(-1);
    return [
      el('h3', {}, 'Outages'),
      el('div', { class: 'timeline' }, service.members.map((m) => [el('span', {}, m.id), track(m, now, span)])),
      el('div', { class: 'scale' }, el('span', {}, `${span / 60000} min ago`), el('span', {}, 'now')),
    ];
  };

  // ---- node and cluster -------------------------------------------------------------------------

  const nodeLine = () => {
    const s = status;
    const lost = s.logs.failover_lost + s.logs.access_lost;
    return [
      el('p', {}, `version ${s.version}, process ${s.process.pid}, up ${duration(s.uptime_ms)}${s.stopping ? ', stopping' : ''}; `
        + `${s.workers} workers, ${count(s.clients)} client connections, ${(s.process.resident_bytes / 1048576).toFixed(1)} MiB, `
        + `${count(s.process.descriptors)} of ${count(s.process.descriptors_max)} descriptors`),
      el('p', { class: 'soft' }, `configuration ${s.config.file}, loaded ${s.config.loaded}`
        + `${lost ? `; ${count(lost)} lines of logs were lost` : ''}${s.epoch ? `; membership of epoch ${s.epoch}` : ''}`),
    ];
  };

  const clusterPart = () => {
    const c = status.cluster;
    if (!c) return null;
    return el('section', { id: 'cluster' }, el('h2', {}, `Cluster ${c.name || ''}`),
      el('p', {}, `this node is ${c.self || status.node} (${c.state}); master: `, el('b', {}, c.master || 'nobody'),
        `, term ${c.term}; epoch ${status.epoch}; disagreements ${count(status.services.reduce((n, s) => n + s.requests.disagreements, 0))}`),
      table([['node'], [''], ['service'], ['heard'], ['round trip', 'n'], ['rank', 'n'], ['voter']], c.nodes.map((n) => [
        n.id, n.id === c.master ? el('span', { class: 'state up' }, 'master') : '', n.fit ? 'well' : 'not well',
        n.self ? 'this node' : n.heard_ms === null ? 'never' : `${count(n.heard_ms)} ms ago`,
        n.round_trip_ms === null ? '-' : `${n.round_trip_ms} ms`, n.rank, n.voter ? 'yes' : 'no'])));
  };

  // ---- the log ----------------------------------------------------------------------------------

  const lines = [];

  const sentence = (e) => {
    const parts = [e.service, e.session, e.member].filter(Boolean);
    if (e.from || e.primary) parts.push(`${e.from || e.primary} → ${e.chosen || 'nobody'}`);
    if (e.reason && e.reason !== 'none') parts.push(e.reason);
    if (e.evidence) parts.push(e.evidence);
    return parts.join(' ');
  };

  const wanted = (e) => {
    const event = byId('log-event').value;
    const text = byId('log-text').value.trim().toLowerCase();
    return (!event || e.event === event) && (!text || JSON.stringify(e).toLowerCase().includes(text));
  };

  const lineOf = (e) => el('li', { title: JSON.stringify(e) }, el('span', { class: 'soft' }, `${e.ts.slice(11, 23)} `),
    el('span', { class: `event ${BAD.has(e.event) ? 'bad' : WELL.has(e.event) ? 'well' : ''}` }, e.event), ` ${sentence(e)}`);

  const showLog = () => fill(byId('log'), lines.filter(wanted).map(lineOf));

  const take = (text) => {
    let e;
    try {
      e = JSON.parse(text);
    } catch {
      return;
    }
    lines.unshift(e);
    lines.length = Math.min(lines.length, LOG_LINES_MAX);
    if (![...byId('log-event').options].some((o) => o.value === e.event)) {
      byId('log-event').append(el('option', { value: e.event }, e.event));
    }
    showLog();
  };

  // Server-sent events by fetch: an EventSource could not say a token.
  const follow = async () => {
    try {
      const answer = await ask('/events');
      say('live');
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = '';
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const blocks = (rest + value).split('\n\n');
        rest = blocks.pop();
        for (const block of blocks) {
          take(block.split('\n').filter((l) => l.startsWith('data:')).map((l) => l.slice(5).trimStart()).join('\n'));
        }
      }
    } catch (e) {
      say(`the log stopped: ${e.message}`, true);
    }
    setTimeout(follow, RETRY_MS);
  };

  // ---- the explorer -----------------------------------------------------------------------------

  const marked = new Set(); // members that are taken for down

  const explained = (x) => {
    const skipped = new Map(x.skipped.map((s) => [s.member, s.why]));
    const plan = new Map(x.plan.map((s) => [s.member, s.why]));
    return [
      el('p', {}, 'chosen: ', el('b', {}, x.chosen || 'nobody'), ` (${x.affinity}); primary ${x.primary || '-'}; digest `, el('code', {}, x.digest)),
      table([['rank', 'n'], ['member'], ['state'], ['why'], ['take for down']], x.order.map((o) => [o.rank,
        el('span', { class: o.member === x.chosen ? 'chosen' : '' }, o.member), el('span', { class: `state ${o.state}` }, o.state),
        o.member === x.chosen ? 'serves it' : skipped.has(o.member) ? `passed over: ${skipped.get(o.member)}` : plan.get(o.member) || '',
        el('input', {
          type: 'checkbox', 'data-key': `down/${o.member}`, 'aria-label': `take ${o.member} for down`, checked: marked.has(o.member),
          onchange: (e) => {
            if (e.target.checked) marked.add(o.member); else marked.delete(o.member);
            explain();
          },
        })])),
    ];
  };

  const explain = async () => {
    const key = byId('explain-key').value;
    if (!key) return;
    const question = new URLSearchParams({ service: byId('explain-service').value, key });
    if (marked.size) question.set('down', [...marked].join(','));
    try {
      keepingFocus(byId('explained'), explained(await (await ask(`/explain?${question}`)).json()));
    } catch (e) {
      fill(byId('explained'), el('p', { class: 'state down' }, e.message));
    }
  };

  // ---- together ---------------------------------------------------------------------------------

  // What is drawn anew keeps the focus of the keyboard where it was.
  const keepingFocus = (node, ...children) => {
    const key = document.activeElement && document.activeElement.getAttribute('data-key');
    fill(node, ...children);
    const again = key && [...node.querySelectorAll('[data-key]')].find((n) => n.getAttribute('data-key') === key);
    if (again) again.focus();
  };

  const draw = () => {
    byId('title').textContent = `Holdfast ${status.node || ''}`;
    document.title = `Holdfast ${status.node || ''}`;
    const now = Date.parse(status.time);
    fill(byId('node'), el('h2', {}, 'Node'), nodeLine());
    keepingFocus(byId('services'), status.services.map((s) => el('section', {}, el('h2', {}, s.name),
      outcomes(s), membersOf(s), timeline(s, now), el('p', { class: 'soft' }, `pool ${s.pool}`))));
    fill(byId('cluster-place'), clusterPart());
    const choice = byId('explain-service');
    if (choice.options.length !== status.services.length) {
      fill(choice, status.services.map((s) => el('option', { value: s.name }, s.name)));
    }
  };

  let asking = null;

  const refresh = async () => {
    clearTimeout(asking);
    try {
      const next = await (await ask('/status')).json();
      before = status;
      status = next;
      draw();
    } catch (e) {
      say(`no answer: ${e.message}`, true);
    }
    asking = setTimeout(refresh, STATUS_PERIOD_MS);
  };

  const layout = () => fill(document.querySelector('main'),
    el('section', { id: 'node' }),
    el('div', { id: 'cluster-place' }),
    el('div', { id: 'services' }),
    el('section', { id: 'explorer' }, el('h2', {}, 'Where does a session go?'),
      el('form', { onsubmit: (e) => { e.preventDefault(); explain(); } },
        el('label', {}, 'service', el('select', { id: 'explain-service', onchange: () => { marked.clear(); explain(); } })),
        el('label', {}, 'key', el('input', { type: 'text', id: 'explain-key', autocomplete: 'off', spellcheck: 'false' })),
        el('button', {}, 'Explain')),
      el('div', { id: 'explained', 'aria-live': 'polite' })),
    el('section', { id: 'failovers' }, el('h2', {}, 'Failover log, live'),
      el('form', { onsubmit: (e) => e.preventDefault() },
        el('label', {}, 'event', el('select', { id: 'log-event', onchange: showLog }, el('option', { value: '' }, 'all'))),
        el('label', {}, 'contains', el('input', { type: 'search', id: 'log-text', oninput: showLog, autocomplete: 'off' }))),
      el('ol', { class: 'log', id: 'log', 'aria-live': 'polite', tabindex: '0' })));

  let following = false;

  const start = () => {
    layout();
    refresh();
    if (!following) follow();
    following = true;
  };

  fill(document.querySelector('header'), el('h1', { id: 'title' }, 'Holdfast'), el('span', { id: 'said', role: 'status' }),
    el('nav', { 'aria-label': 'Parts' }, el('a', { href: '#services' }, 'members'), el('a', { href: '#explorer' }, 'explore'),
      el('a', { href: '#failovers' }, 'log')));
  if (document.body.dataset.token === 'wanted' && !token) wantToken(); else start();
})();
