// fixture_runner serve --hash SHA256
//
// A runner whose host is a recorded one: it speaks the wire protocol, and modules see
// tests/fixtures/hosts/NAME in memory instead of this machine. NAME comes with each task, in the
// environment variable GPUSTACK_FIXTURE; a host lives as long as the connection, so that a second
// play finds what the first one has changed. Nothing of this machine is read or written but the
// fixtures.

#include "core/wire/packing.hpp"
#include "core/wire/session.hpp"
#include "modules/sdk/module.hpp"
#include "modules/sdk/rules.hpp"
#include "modules/sdk/text.hpp"
#include "tests/support/fixture_system.hpp"
#include "tests/support/recorded_tools.hpp"

#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <string>

namespace {

using namespace gpustack;           // NOLINT(google-build-using-namespace): a small program
using namespace gpustack::modules;  // NOLINT(google-build-using-namespace)
using wire::Frame;
using wire::FrameType;

/// Frames on standard input and output, one after the other.
class Stream {
 public:
  void send(const Frame& message) {
    std::string bytes;
    wire::append_message(bytes, message);
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t count = ::write(STDOUT_FILENO, bytes.data() + done, bytes.size() - done);
      if (count <= 0) std::exit(1);
      done += static_cast<std::size_t>(count);
    }
  }

  /// The next message; content frames as they came. Ends the program with its input.
  Frame receive() {
    for (;;) {
      auto frame = decoder_.next();
      if (!frame) std::exit(4);
      if (*frame) {
        auto message = assembler_.take(std::move(**frame));
        if (!message) std::exit(4);
        if (*message) return std::move(**message);
        continue;
      }
      char piece[65536];
      const ssize_t got = ::read(STDIN_FILENO, piece, sizeof piece);
      if (got <= 0) std::exit(0);
      decoder_.feed(std::string_view(piece, static_cast<std::size_t>(got)));
    }
  }

  std::deque<Frame> later;  ///< what came while contents were awaited

 private:
  wire::FrameDecoder decoder_;
  wire::Assembler assembler_;
};

/// What the flag `compose` puts into /srv/assistant.
constexpr const char* kCompose =
    "services:\n  model:\n    build: .\n  agent:\n    image: registry.example.com/agent:1\n    "
    "environment: {MODEL_URL: "
    "http://model:9989}\n  desktop:\n    image: registry.example.com/desktop:1\n  postgres:\n    "
    "image: pgvector/pgvector:pg16\n";

/// A recorded host that asks the controller for the contents it lacks.
class RecordedHost : public test::FixtureSystem {
 public:
  RecordedHost(const std::string& name, Stream& stream) : FixtureSystem(name), stream_(stream) {}

  Result<std::string> content(const Content& content) const override {
    if (content.is_inline) return content.bytes;
    wire::NeedContent need;
    need.contents.push_back({content.sha256, content.size});
    stream_.send(wire::make_frame(FrameType::need_content, 0, task_id, need));
    std::string bytes;
    for (;;) {
      Frame frame = stream_.receive();
      if (frame.type == FrameType::content_end) return bytes;
      if (frame.type == FrameType::content) {
        GS_TRY(const std::string piece, wire::piece_of(std::move(frame)));
        bytes += piece;
      } else {
        stream_.later.push_back(std::move(frame));
      }
    }
  }

  std::uint32_t task_id = 0;

 private:
  Stream& stream_;
};

constexpr const char* kHopper =
    "1g.12gb 19 7 0,1,2,3,4,5,6:1;1g.12gb+me 20 1 0,1,2,3,4,5,6:1;1g.24gb 15 4 0,2,4,6:2;2g.24gb "
    "14 3 0,2,4:2;3g.48gb 9 2 0,4:4;"
    "4g.48gb 5 1 0:4;7g.96gb 0 1 0:8";
constexpr const char* kBlackwell =
    "1g.35gb 19 7 0,1,2,3,4,5,6:1;1g.35gb+me 20 1 0,1,2,3,4,5,6:1;1g.70gb 15 4 0,2,4,6:2;2g.70gb "
    "14 3 0,2,4:2;3g.139gb 9 2 0,4:4;"
    "4g.139gb 5 1 0:4;7g.278gb 0 1 0:8";
constexpr const char* kThor = "1g.0gb+me 78 1 0:1";
constexpr const char* kAmpere =
    "1g.5gb 19 7 0,1,2,3,4,5,6:1;1g.5gb+me 20 1 0,1,2,3,4,5,6:1;1g.10gb 15 4 0,2,4,6:2;2g.10gb 14 "
    "3 0,2,4:2;3g.20gb 9 2 0,4:4;"
    "4g.20gb 5 1 0:4;7g.40gb 0 1 0:8";
constexpr const char* kH100 =
    "1g.10gb 19 7 0,1,2,3,4,5,6:1;1g.10gb+me 20 1 0,1,2,3,4,5,6:1;1g.20gb 15 4 0,2,4,6:2;2g.20gb "
    "14 3 0,2,4:2;3g.40gb 9 2 0,4:4;"
    "4g.40gb 5 1 0:4;7g.80gb 0 1 0:8";

void equip(RecordedHost& host, const std::string& name) {
  // What Ubuntu's and NVIDIA's archives offer, as far as roles compare versions.
  host.file("/.recorded/offers",
            "nvidia-driver-pinning 580.95.05\nlibnvidia-container "
            "1.18.0-1\nnvidia-container-toolkit 1.18.0-1\nlibgl1-mesa-dri 25.0.7-1\n");
  for (const char* folder : {"/etc/modprobe.d",
                             "/etc/modules-load.d",
                             "/etc/apt/sources.list.d",
                             "/etc/apt/preferences.d",
                             "/etc/apt/apt.conf.d",
                             "/usr/share/keyrings",
                             "/etc/systemd/system",
                             "/etc/profile.d",
                             "/etc/nvidia",
                             "/etc/udev/rules.d",
                             "/etc/default",
                             "/etc/yum.repos.d",
                             "/etc/containerd",
                             "/usr/local/bin"})
    host.folder(folder);
  const bool is_jetson = name.starts_with("jetson") || name.starts_with("igx");
  if (is_jetson) {
    host.file(
        "/.recorded/packages",
        "nvidia-l4t-core 36.4.3-20250107174145\nnvidia-l4t-kernel "
        "5.15.148-tegra-36.4.3-20250107174145\n"
        "nvidia-l4t-bootloader 36.4.3-20250107174145\nnvidia-l4t-kernel-dtbs "
        "5.15.148-tegra-36.4.3-20250107174145\n"
        "nvidia-l4t-initrd 36.4.3-20250107174145\nnvidia-l4t-3d-core 36.4.3-20250107174145\n");
    test::install_nvpmodel(host);
  }
  test::install_plain_tools(host);
  if (host.exists("/usr/bin/apt-get")) test::install_apt(host);
  if (host.exists("/usr/bin/dnf")) test::install_dnf(host);
  test::install_systemd(host);
  if (host.text("/.recorded/flags").find("can-reboot") != std::string::npos)
    test::install_boot(host);
  test::install_python(host);
  for (const std::string& flag : split_lines(host.text("/.recorded/flags"))) {
    if (flag.starts_with("file:")) host.file(flag.substr(5), "", 0755);
    if (const auto equals = flag.find('=');
        flag.starts_with("text:") && equals != std::string::npos)
      host.file(flag.substr(5, equals - 5), replace_all(flag.substr(equals + 1), "\\n", "\n"));
  }
  test::install_containers(host);
  if (host.text("/.recorded/flags").find("compose\n") != std::string::npos)
    host.file("/srv/assistant/docker-compose.yml", kCompose);
  if (name == "gh200") test::install_mig(host, "NVIDIA GH200 480GB", kHopper);
  if (name == "gb300-station") test::install_mig(host, "NVIDIA GB300", kBlackwell);
  if (name == "x86-h100") test::install_mig(host, "NVIDIA H100 80GB HBM3", kH100);
  if (name == "x86-a100-mig") test::install_mig(host, "NVIDIA A100-SXM4-40GB", kAmpere);
  if (name == "jetson-thor-jp721") test::install_mig(host, "NVIDIA Thor", kThor);
}

class FixtureRunner {
 public:
  explicit FixtureRunner(std::string hash) : hash_(std::move(hash)) {}

  int serve() {
    for (;;) {
      Frame frame;
      if (stream_.later.empty()) {
        frame = stream_.receive();
      } else {
        frame = std::move(stream_.later.front());
        stream_.later.pop_front();
      }
      switch (frame.type) {
        case FrameType::hello:
          greet();
          break;
        case FrameType::ping:
          stream_.send({.type = FrameType::pong});
          break;
        case FrameType::task:
          answer(frame);
          break;
        case FrameType::cancel:
          if (const auto cancel = wire::Cancel::parse(frame))
            epoch_ = std::max(epoch_, cancel->epoch);
          break;
        case FrameType::bye:
          return 0;
        default:
          break;
      }
    }
  }

 private:
  void greet() {
    wire::HelloReply reply;
    reply.architecture = "x86_64";
    reply.kernel = "recorded";
    reply.user = "root";
    reply.home = "/root";
    reply.boot_id = "recorded";
    reply.hash = hash_;
    stream_.send(wire::make_frame(FrameType::hello_reply, 0, 0, reply));
  }

  RecordedHost& host_of(const wire::Task& task) {
    const auto named = task.environment.find("GPUSTACK_FIXTURE");
    // Verbs have no play that could set it for a task.
    const char* own = std::getenv("GPUSTACK_FIXTURE");
    const std::string name = named != task.environment.end() ? named->second
                             : own != nullptr                ? own
                                                             : "x86-aspeed-only";
    auto& host = hosts_[name];
    if (host == nullptr) {
      const auto plus = name.find('+');
      host = std::make_unique<RecordedHost>(name.substr(0, plus), stream_);
      if (plus != std::string::npos)
        host->file("/.recorded/flags", replace_all(name.substr(plus + 1), "+", "\n") + "\n");
      equip(*host, name.substr(0, plus));
    }
    return *host;
  }

  void answer(const Frame& frame) {
    const auto task = wire::Task::parse(frame);
    if (!task) std::exit(4);
    if (task->epoch < epoch_) {
      stream_.send(
          wire::make_result(0, frame.id, Value::map({{std::string(wire::kSkippedEpoch), true}})));
      return;
    }
    epoch_ = task->epoch;
    const Value result = perform(*task, frame.id);
    if (task->barrier && result.get("failed").truthy()) ++epoch_;
    stream_.send(wire::make_result(0, frame.id, result));
  }

  Value perform(const wire::Task& task, std::uint32_t id) {
    const ModuleSpec* spec = find_module(task.module);
    if (spec == nullptr)
      return failure(Error(ErrorCode::unknown_module, "no module '" + task.module + "'"));
    const auto arguments = check_received_arguments(*spec, task.arguments);
    if (!arguments) return failure(arguments.error());
    RecordedHost& host = host_of(task);
    host.task_id = id;
    host.check_mode(task.check).diff_mode(task.diff).facts(facts_);
    Value result =
        task.check ? plan_module(*spec, *arguments, host) : run_module(*spec, *arguments, host);
    if (const Value& gathered = result.get("ansible_facts");
        spec->name == "setup" && gathered.is_map())
      facts_ = gathered;
    return result;
  }

  std::string hash_;
  Stream stream_;
  std::map<std::string, std::unique_ptr<RecordedHost>> hosts_;
  Value facts_;
  std::int64_t epoch_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  if (words.empty() || words[0] != "serve") return 64;
  const auto hash = std::find(words.begin(), words.end(), "--hash");
  return FixtureRunner(hash == words.end() || hash + 1 == words.end() ? "" : *(hash + 1)).serve();
}
