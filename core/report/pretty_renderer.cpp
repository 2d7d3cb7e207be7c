#include "core/report/plain_lines.hpp"
#include "core/report/renderer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace gpustack::report {

namespace {

using TimePoint = std::chrono::system_clock::time_point;

constexpr auto kRedrawEvery = std::chrono::milliseconds(80);
constexpr std::size_t kTasksShown = 3;

/// A task that hosts are busy with.
struct RunningTask {
  std::string name;
  std::set<std::string> hosts;
};

/// Lines that stay scroll up; below them a few status lines are drawn again and again.
class PrettyRenderer final : public Sink {
 public:
  PrettyRenderer(const RendererOptions& options, Output& out, Output& err)
      : options_(options), lines_(options), out_(out), err_(err) {}
  ~PrettyRenderer() override { clear_status(); }
  PrettyRenderer(const PrettyRenderer&) = delete;
  PrettyRenderer& operator=(const PrettyRenderer&) = delete;

  void on(const Event& event) override;
  void flush() override {
    draw_status();
    out_.flush();
    err_.flush();
  }

 private:
  void keep_count(const Event& event);
  void move_host(const std::string& host, std::uint64_t task);
  void clear_status();
  void draw_status();
  [[nodiscard]] std::vector<std::string> status_lines() const;
  [[nodiscard]] std::string fitted(std::string text) const;

  RendererOptions options_;
  PlainLines lines_;
  Output& out_;
  Output& err_;
  std::size_t drawn_ = 0;
  TimePoint started_{};
  TimePoint now_{};
  TimePoint drawn_at_{};
  bool finished_ = false;
  std::string play_;
  std::set<std::string> hosts_;
  std::set<std::string> failed_;
  std::size_t tasks_done_ = 0;
  std::size_t changes_ = 0;
  std::map<std::uint64_t, RunningTask> running_;
  std::uint64_t current_ = 0;
};

/// A host is busy with one task at a time.
void PrettyRenderer::move_host(const std::string& host, std::uint64_t task) {
  for (auto each = running_.begin(); each != running_.end();) {
    if (each->first != task) each->second.hosts.erase(host);
    const bool over = each->second.hosts.empty() && each->first != current_ && each->first != task;
    each = over ? running_.erase(each) : std::next(each);
  }
  running_[task].hosts.insert(host);
}

void PrettyRenderer::keep_count(const Event& event) {
  if (event.time.time_since_epoch().count() != 0) now_ = event.time;
  switch (event.type) {
    case EventType::run_started:
      started_ = now_;
      break;
    case EventType::play_started:
      play_ = event.play;
      hosts_ = std::set<std::string>(event.hosts.begin(), event.hosts.end());
      failed_.clear();
      running_.clear();
      break;
    case EventType::task_started:
      current_ = event.task_id;
      running_[event.task_id].name = event.task;
      for (const std::string& host : event.hosts) move_host(host, event.task_id);
      break;
    case EventType::host_started:
      move_host(event.host, event.task_id);
      break;
    case EventType::host_result: {
      ++tasks_done_;
      if (event.outcome == Outcome::changed) ++changes_;
      const bool broken = event.outcome == Outcome::failed || event.outcome == Outcome::unreachable;
      if (broken && !event.ignored && !event.rescued) failed_.insert(event.host);
      auto task = running_.find(event.task_id);
      if (task == running_.end()) break;
      task->second.hosts.erase(event.host);
      if (task->second.hosts.empty() && event.task_id != current_) running_.erase(task);
      break;
    }
    case EventType::play_finished:
      running_.clear();
      break;
    case EventType::stats:
    case EventType::run_finished:
      finished_ = true;
      break;
    default:
      break;
  }
  if (started_ == TimePoint{}) started_ = now_;
}

std::string PrettyRenderer::fitted(std::string text) const {
  // One column stays free: a full line would wrap and could not be cleared.
  while (display_width(text) >= options_.columns && !text.empty()) {
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0U) == 0x80U)
      text.pop_back();
    if (!text.empty()) text.pop_back();
  }
  return text;
}

std::vector<std::string> PrettyRenderer::status_lines() const {
  if (finished_ || play_.empty()) return {};
  const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(now_ - started_).count();
  std::set<std::string> busy;
  for (const auto& [id, task] : running_) busy.insert(task.hosts.begin(), task.hosts.end());
  std::vector<std::string> lines;
  std::string head = fmt::format("{}  {}  {} hosts", clock_text(elapsed), play_, hosts_.size());
  if (!busy.empty()) head += fmt::format(", {} running", busy.size());
  if (!failed_.empty()) head += fmt::format(", {} failed", failed_.size());
  head += fmt::format(", {} results, {} changed", tasks_done_, changes_);
  lines.push_back(
      painted(options_.colour, failed_.empty() ? Paint::verbose : Paint::failed, fitted(head)));
  std::size_t shown = 0;
  for (auto each = running_.rbegin(); each != running_.rend() && shown < kTasksShown; ++each) {
    const RunningTask& task = each->second;
    if (task.hosts.empty() && each->first != current_) continue;
    std::string line = "  " + task.name;
    std::size_t names = 0;
    for (const std::string& host : task.hosts) {
      constexpr std::size_t kHostsShown = 4;
      if (names == kHostsShown) {
        line += fmt::format(" and {} more", task.hosts.size() - names);
        break;
      }
      line += (names == 0 ? ": " : ", ") + host;
      ++names;
    }
    lines.push_back(fitted(line));
    ++shown;
  }
  return lines;
}

void PrettyRenderer::clear_status() {
  std::string out;
  for (std::size_t i = 0; i < drawn_; ++i) out += "\x1b[1A\r\x1b[2K";
  drawn_ = 0;
  if (!out.empty()) out_.write(out);
}

void PrettyRenderer::draw_status() {
  clear_status();
  const auto lines = status_lines();
  for (const std::string& line : lines) out_.write(line + "\n");
  drawn_ = lines.size();
  drawn_at_ = now_;
}

void PrettyRenderer::on(const Event& event) {
  keep_count(event);
  const std::string lasting = lines_.lines(event);
  const std::string aside = lines_.asides(event);
  const bool due = now_ - drawn_at_ >= kRedrawEvery || finished_;
  if (lasting.empty() && aside.empty() && !due) return;
  clear_status();
  out_.write(lasting);
  if (!aside.empty()) {
    // Two streams, one screen: what is before the aside must be there first.
    out_.flush();
    err_.write(aside);
    err_.flush();
  }
  draw_status();
  out_.flush();
}

}  // namespace

std::unique_ptr<Sink> make_pretty_renderer(const RendererOptions& options,
                                           Output& out,
                                           Output& err) {
  return std::make_unique<PrettyRenderer>(options, out, err);
}

}  // namespace gpustack::report
