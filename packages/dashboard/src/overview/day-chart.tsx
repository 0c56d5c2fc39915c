import 'uplot/dist/uPlot.min.css';

import type { BakeDay } from '@murmur/api';
import { type ReactNode, useEffect, useRef } from 'react';
import UPlot from 'uplot';

import { useIsDark } from '../app/theme.js';
import { spanOf } from '../parts/time.js';

const height = 168;

/** Bakes of each day by how they ended, and how long they took. The same is in a table for whoever does not see it. */
export function DayChart({ days }: { readonly days: readonly BakeDay[] }): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const isDark = useIsDark();
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const chart = new UPlot(optionsFor(element, days), dataOf(days), element);
    const watch = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      chart.destroy();
    };
  }, [days, isDark]);
  return (
    <figure className="m-0">
      <figcaption className="mb-1 flex flex-wrap gap-x-4 text-xs text-ink-2">
        <Key tone="bg-good">completed</Key>
        <Key tone="bg-bad">failed</Key>
        <Key tone="bg-idle">cancelled or running</Key>
        <Key tone="bg-accent">median time</Key>
      </figcaption>
      <div ref={place} aria-hidden="true" />
      <table className="sr-only">
        <caption>Bakes of the last days</caption>
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col">Completed</th>
            <th scope="col">Failed</th>
            <th scope="col">Cancelled or running</th>
            <th scope="col">Median time</th>
          </tr>
        </thead>
        <tbody>
          {days.map((day) => (
            <tr key={day.date}>
              <th scope="row">{day.date}</th>
              <td>{day.completed}</td>
              <td>{day.failed}</td>
              <td>{day.cancelled + day.live}</td>
              <td>{day.completed === 0 ? 'none' : spanOf(day.medianSeconds * 1000)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}

function Key({ children, tone }: { readonly children: string; readonly tone: string }): ReactNode {
  return (
    <span className="inline-flex items-center gap-1.5">
      <span aria-hidden="true" className={`size-2 rounded-xs ${tone}`} />
      {children}
    </span>
  );
}

/** Bars stand on each other: the tallest is drawn first and the others before it. */
function dataOf(days: readonly BakeDay[]): UPlot.AlignedData {
  return [
    days.map(({ date }) => Date.parse(`${date}T00:00:00Z`) / 1000),
    days.map(({ cancelled, completed, failed, live }) => completed + failed + cancelled + live),
    days.map(({ completed, failed }) => completed + failed),
    days.map(({ completed }) => completed),
    days.map(({ completed, medianSeconds }) => (completed === 0 ? null : medianSeconds)),
  ];
}

function optionsFor(element: HTMLElement, days: readonly BakeDay[]): UPlot.Options {
  const style = getComputedStyle(element);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  const bars = UPlot.paths.bars?.({ size: [0.62, 26], radius: 0.15 });
  const most = Math.max(4, ...days.map(({ cancelled, completed, failed, live }) => completed + failed + cancelled + live));
  const bar = (tone: string): UPlot.Series => ({
    fill: color(tone),
    stroke: color(tone),
    width: 0,
    points: { show: false },
    ...(bars === undefined ? {} : { paths: bars }),
  });
  const axis = { stroke: color('--ink-3'), font: `11px ${style.fontFamily}`, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height,
    legend: { show: false },
    cursor: { show: false },
    tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1000), 'UTC'),
    scales: {
      x: { time: true, range: (_, from, to) => [from - 43_200, to + 43_200] },
      y: { range: [0, most * 1.1] },
      seconds: { range: (_, __, to) => [0, Math.max(10, to) * 1.15] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        values: (_, ticks) => ticks.map((at) => new Date(at * 1000).toISOString().slice(5, 10)),
        space: 56,
      },
      { ...axis, grid: { stroke: color('--line'), width: 1 }, size: 34, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
      { ...axis, scale: 'seconds', side: 1, grid: { show: false }, size: 58, values: (_, ticks) => ticks.map((at) => spanOf(at * 1000)) },
    ],
    series: [
      {},
      bar('--idle'),
      bar('--bad'),
      bar('--good'),
      { scale: 'seconds', stroke: color('--accent'), width: 2, spanGaps: true, points: { show: true, size: 5, fill: color('--accent') } },
    ],
  };
}
