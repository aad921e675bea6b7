// Draws what the server described, with the page's colours and fonts. Only the kinds of chart in use are in the bundle.
import { BarChart, LineChart } from "echarts/charts";
import { DataZoomInsideComponent, DataZoomSliderComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, LineChart, DataZoomInsideComponent, DataZoomSliderComponent, GridComponent, LegendComponent, TooltipComponent,
  CanvasRenderer]);

// As the page writes numbers: narrow spaces between thousands.
const grouped = (value) => typeof value === "number" ? String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f") : value;
const TONES = { Created: "created", Modified: "modified", Deleted: "deleted", Returned: "returned" };

export function draw(element) {
  const described = element.querySelector("script")?.textContent;
  if (!described) return undefined;
  const shadow = element.shadowRoot ?? element.attachShadow({ mode: "open" });
  const place = document.createElement("div");
  Object.assign(place.style, { inlineSize: "100%", blockSize: "100%" });
  shadow.replaceChildren(place);

  const chart = init(place, undefined, { renderer: "canvas" });
  const paint = () => {
    const options = dressed(JSON.parse(described));
    // On the narrowest screens the legend takes two lines.
    if (options.legend.show && place.clientWidth < 300) for (const grid of [options.grid].flat()) grid.top += 20;
    chart.setOption(options, true);
  };
  paint();
  const resize = new ResizeObserver(() => chart.resize());
  resize.observe(element);
  document.addEventListener("themechange", paint);
  return () => {
    resize.disconnect();
    document.removeEventListener("themechange", paint);
    chart.dispose();
  };
}

function dressed(options) {
  const style = getComputedStyle(document.documentElement);
  // A canvas knows fewer ways to write a colour than a style sheet, so the browser translates.
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const colour = (name) => {
    probe.clearRect(0, 0, 1, 1);
    probe.fillStyle = style.getPropertyValue(name).trim();
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = probe.getImageData(0, 0, 1, 1).data;
    return `rgba(${r},${g},${b},${a / 255})`;
  };
  const text = { color: colour("--ink-3"), fontFamily: style.getPropertyValue("--sans"), fontSize: 11 };
  const line = options.series[0]?.type === "line";
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const axis = {
    axisLine: { lineStyle: { color: colour("--edge-strong") } },
    axisTick: { show: false },
    axisLabel: { ...text, hideOverlap: true },
    splitLine: { lineStyle: { color: colour("--chart-grid") } },
  };
  return {
    ...options,
    animation: !calm,
    animationDuration: 120,
    animationDurationUpdate: 120,
    textStyle: { fontFamily: text.fontFamily },
    xAxis: { ...options.xAxis, ...axis, axisLabel: { ...axis.axisLabel, alignMaxLabel: "right", showMaxLabel: true }, splitLine: { show: false } },
    yAxis: { ...options.yAxis, ...axis, axisLine: { show: false }, axisLabel: { ...axis.axisLabel, formatter: grouped } },
    legend: {
      show: Boolean(options.legend),
      ...options.legend,
      itemWidth: 9, itemHeight: 9, itemGap: 14, padding: 0,
      textStyle: { ...text, color: colour("--ink-2") },
      inactiveColor: colour("--edge-strong"),
    },
    tooltip: {
      ...options.tooltip,
      valueFormatter: grouped,
      confine: true,
      backgroundColor: colour("--raised"),
      borderColor: colour("--edge-strong"),
      padding: [6, 10],
      textStyle: { color: colour("--ink"), fontFamily: text.fontFamily, fontSize: 12 },
      axisPointer: { type: line ? "line" : "shadow", shadowStyle: { color: colour("--hover"), opacity: 0.6 } },
    },
    dataZoom: (options.dataZoom ?? []).map((zoom) => zoom.type === "slider" ? brush(zoom, colour) : {
      // The wheel scrolls the page; with Shift it zooms the chart, dragging moves it.
      ...zoom, zoomOnMouseWheel: "shift", moveOnMouseWheel: false,
    }),
    series: [...totals(options, line), ...options.series.map((series) => line ? {
      ...series,
      itemStyle: { color: colour("--accent") },
      lineStyle: { width: 2 },
      areaStyle: { opacity: 0.1 },
    } : ({
      ...series,
      itemStyle: { color: colour(`--chart-${TONES[series.name] ?? "modified"}`) },
      barCategoryGap: "22%",
      barMaxWidth: 28,
    }))],
  };
}

// The strip below a chart is a picture of its first series: an unseen line of all of them together.
function totals(options, line) {
  if (line || !(options.dataZoom ?? []).some((zoom) => zoom.type === "slider")) return [];
  const data = options.xAxis.data.map((_, at) => options.series.reduce((sum, series) => sum + series.data[at], 0));
  return [{ type: "line", name: "Changes", data, symbol: "none", silent: true, lineStyle: { opacity: 0 }, tooltip: { show: false } }];
}

// A narrow picture of the whole below the chart: dragging over it chooses what the chart shows.
function brush(zoom, colour) {
  const shadow = (line, area) => ({ lineStyle: { color: line, width: 1 }, areaStyle: { color: area, opacity: 1 } });
  return {
    ...zoom,
    height: 22, bottom: 6, left: 10, right: 10,
    brushSelect: true,
    showDetail: false,
    moveHandleSize: 0,
    handleSize: "80%",
    borderColor: colour("--edge"),
    borderRadius: 3,
    backgroundColor: colour("--sunken"),
    // Seen through: the picture is below it.
    fillerColor: "rgba(127,127,127,0.14)",
    dataBackground: shadow(colour("--edge-strong"), colour("--edge")),
    selectedDataBackground: shadow(colour("--chart-modified"), colour("--edge-strong")),
    handleStyle: { color: colour("--raised"), borderColor: colour("--edge-strong") },
    emphasis: { handleStyle: { borderColor: colour("--accent") } },
    brushStyle: { color: colour("--chosen") },
  };
}
