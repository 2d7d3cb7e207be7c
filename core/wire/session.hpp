#pragma once
/// @file What the frames say: typed messages of both sides, and messages larger than a frame. See
/// core/docs/wire.md.

#include "core/base/value.hpp"
#include "core/wire/frame.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gpustack::wire {

// Frame flags.
inline constexpr std::uint8_t kMore =
    1;  ///< the message goes on in the next frame of the same type, lane and id
inline constexpr std::uint8_t kFailed =
    2;  ///< on a result: it means a failure, for those who do not read payloads

/// A whole message, all its frames together.
inline constexpr std::size_t kMaxMessage = 64U << 20U;
/// Payload bytes of `content` that may be under way without a content_ack; senders keep to less on
/// slow links.
inline constexpr std::uint64_t kContentWindow = 4U << 20U;
/// Payload bytes of `data` that may be under way without a data_ack.
inline constexpr std::uint64_t kDataWindow = 4U << 20U;

/// Appends a message as one frame or several. Requires: payload within kMaxMessage.
void append_message(std::string& out, const Frame& message);

/// Joins frames into messages and unpacks these. Content and data frames pass as they are.
class Assembler {
 public:
  /// @return the whole message, or nothing while more is to come
  /// @error protocol  larger than kMaxMessage, packed or not; not what it announces
  Result<std::optional<Frame>> take(Frame frame);

 private:
  std::map<std::pair<std::uint64_t, std::uint8_t>, std::string> parts_;
  std::size_t held_ = 0;
};

enum class LockKind : std::uint8_t { none, shared, exclusive };

struct Hello {
  std::uint32_t version = kProtocolVersion;
  std::string controller;  ///< who connects, for the lock file and messages
  std::string run;         ///< the run's id
  std::int64_t fence = 0;  ///< 0 = none; lower than one seen before is refused
  LockKind lock = LockKind::none;
  /// 0 = the runner does not watch for silence; else three missed ones end it. No shorter than the
  /// interval of the transport's pings (15 s), which are what breaks the silence.
  std::chrono::seconds ping_interval{0};

  [[nodiscard]] Value to_value() const;
  static Result<Hello> parse(const Frame& frame);
};

/// `error` empty: the runner is ready. Otherwise it has refused and ends.
struct HelloReply {
  std::uint32_t version = kProtocolVersion;
  std::string architecture;  ///< `uname -m`: aarch64, x86_64
  std::string kernel;        ///< `uname -r`
  std::uint32_t uid = 0;
  std::string user;
  std::string home;
  std::string boot_id;
  std::int64_t pid = 0;
  std::string hash;  ///< sha256 of the runner's own file
  std::string error;
  std::string error_code;  ///< `GS6006` and so on
  std::int64_t fence = 0;  ///< the highest fence this host has seen

  [[nodiscard]] Value to_value() const;
  static Result<HelloReply> parse(const Frame& frame);
};

struct Task {
  std::string module;
  Value arguments = Value(Map());
  bool check = false;
  bool diff = false;
  /// The task is answered with kSkippedEpoch when the runner's epoch is higher.
  std::int64_t epoch = 0;
  /// When the task fails, the runner's epoch rises by one, so that what was sent behind it is
  /// skipped.
  bool barrier = false;
  std::map<std::string, std::string> environment;  ///< added to the runner's own
  std::optional<std::uint32_t> umask;
  std::chrono::milliseconds timeout{0};  ///< 0 = none
  Value facts;                           ///< null: what `setup` gathered on this connection
  /// Above 0: the task goes on in the background for at most so long, whatever becomes of the
  /// connection.
  std::chrono::seconds background{0};
  bool timed = false;  ///< the result says under kTook how long it took

  [[nodiscard]] Value to_value() const;
  static Result<Task> parse(const Frame& frame);
};

/// Asks for contents, one behind the other as one stream of `content` frames and one content_end. A
/// second request of the same task ends the first one's stream, whose content_end still comes.
struct NeedContent {
  struct Wanted {
    std::string sha256;  ///< lower-case hex
    std::uint64_t size = 0;
    bool operator==(const Wanted&) const = default;
  };
  std::vector<Wanted> contents;

  [[nodiscard]] Value to_value() const;
  static Result<NeedContent> parse(const Frame& frame);
};

/// Ends the answer to one need_content; `error` says why the bytes are not there.
struct ContentEnd {
  std::string error;

  [[nodiscard]] Value to_value() const;
  static Result<ContentEnd> parse(const Frame& frame);
};

struct OpenBecome {
  std::string method = "sudo";  ///< sudo, su or doas
  std::string user = "root";
  std::optional<std::string> password;
  std::string executable;  ///< of the method, when not the one in PATH
  std::string flags;       ///< further flags, split as a shell does
  bool same_user = false;  ///< the method is used for the user that the runner already is, too
  /// Without a sign of the method, or of the runner it starts, before it has failed.
  std::chrono::seconds patience{10};

  [[nodiscard]] Value to_value() const;
  static Result<OpenBecome> parse(const Frame& frame);
};

/// `error` empty: the lane is open.
struct BecomeReply {
  std::string error;
  std::string error_code;
  std::string command;  ///< line that started the child; empty where no method was needed
  std::uint32_t uid = 0;
  std::string user;
  std::string home;

  [[nodiscard]] Value to_value() const;
  static Result<BecomeReply> parse(const Frame& frame);
};

struct Output {
  std::string stream;  ///< stdout or stderr
  std::string text;

  [[nodiscard]] Value to_value() const;
  static Result<Output> parse(const Frame& frame);
};

/// Of `data` (data_ack) or `content` (content_ack).
struct DataAck {
  std::uint64_t bytes = 0;  ///< payload bytes taken so far, in this stream

  [[nodiscard]] Value to_value() const;
  static Result<DataAck> parse(const Frame& frame);
};

/// With id 0: raise the runner's epoch to at least `epoch`. With a task's id: stop that task.
struct Cancel {
  std::int64_t epoch = 0;

  [[nodiscard]] Value to_value() const;
  static Result<Cancel> parse(const Frame& frame);
};

struct Notice {
  std::string level;  ///< info, warning or error
  std::string message;

  [[nodiscard]] Value to_value() const;
  static Result<Notice> parse(const Frame& frame);
};

/// A frame with a message's map as payload.
template <typename Message>
Frame make_frame(FrameType type, std::uint16_t lane, std::uint32_t id, const Message& message);

Frame make_hello(const Hello& hello);
Frame make_task(std::uint16_t lane, std::uint32_t id, const Task& task);
Frame make_open_become(std::uint16_t lane, const OpenBecome& request);
/// The key that answers a task which was not run, since one before it failed.
inline constexpr std::string_view kSkippedEpoch = "skipped_epoch";
/// The key for the microseconds that a task took, where the task asks for them.
inline constexpr std::string_view kTook = "_ansible_took_us";
/// Whether a module's result says that it failed: by `failed`, else by `rc`.
/// @source ansible-core 2.14, TaskExecutor._execute
bool means_failure(const Value& result);
Frame make_result(std::uint16_t lane, std::uint32_t id, const Value& result);
/// A result frame's map. @error protocol
Result<Value> parse_result(const Frame& frame);
/// Any frame whose payload is a map.
Frame make_map_frame(FrameType type, std::uint16_t lane, std::uint32_t id, const Value& map);
Result<Value> parse_map(const Frame& frame);

template <typename Message>
Frame make_frame(FrameType type, std::uint16_t lane, std::uint32_t id, const Message& message) {
  return make_map_frame(type, lane, id, message.to_value());
}

}  // namespace gpustack::wire
