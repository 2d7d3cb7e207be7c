#include "core/wire/session.hpp"

#include "core/base/msgpack.hpp"
#include "core/wire/packing.hpp"

namespace gpustack::wire {

namespace {

std::uint64_t key_of(const Frame& frame) {
  return (static_cast<std::uint64_t>(frame.lane) << 32U) | frame.id;
}

/// Reads a message's fields; the first one of a wrong type is remembered.
class Fields {
 public:
  explicit Fields(Value map) : map_(std::move(map)) {}

  std::string text(std::string_view name) {
    const Value& value = map_.get(name);
    if (value.is_null()) return {};
    if (!value.is_string()) return expect(name, "a text"), std::string();
    return value.as_string();
  }
  std::int64_t integer(std::string_view name) {
    const Value& value = map_.get(name);
    if (value.is_null()) return 0;
    if (!value.is_integer()) return expect(name, "an integer"), 0;
    return value.as_integer();
  }
  std::uint64_t count(std::string_view name) {
    const std::int64_t number = integer(name);
    if (number < 0) expect(name, "zero or more");
    return number < 0 ? 0 : static_cast<std::uint64_t>(number);
  }
  std::uint32_t small(std::string_view name) {
    const std::uint64_t number = count(name);
    if (number > UINT32_MAX) expect(name, "a 32-bit number");
    return static_cast<std::uint32_t>(number);
  }
  bool boolean(std::string_view name) {
    const Value& value = map_.get(name);
    if (!value.is_null() && !value.is_bool()) expect(name, "a boolean");
    return value.is_bool() && value.as_bool();
  }
  [[nodiscard]] const Value& any(std::string_view name) const { return map_.get(name); }
  void expect(std::string_view name, std::string_view what) {
    if (problem_.empty())
      problem_ = "the field '" + std::string(name) + "' must be " + std::string(what);
  }

  template <typename Message>
  Result<Message> finish(Message message) const {
    if (!problem_.empty()) return Error(ErrorCode::protocol, problem_);
    return message;
  }

 private:
  Value map_;
  std::string problem_;
};

void set_text(Value& map, std::string_view name, const std::string& text) {
  if (!text.empty()) map.set(name, Value(text));
}

void set_number(Value& map, std::string_view name, std::int64_t number) {
  if (number != 0) map.set(name, Value(number));
}

void set_flag(Value& map, std::string_view name, bool flag) {
  if (flag) map.set(name, Value(true));
}

}  // namespace

void append_message(std::string& out, const Frame& message) {
  GS_ASSERT(message.payload.size() <= kMaxMessage, "senders keep messages below the limit");
  std::string_view rest = message.payload;
  do {
    Frame piece{message.type,
                message.flags,
                message.lane,
                message.id,
                std::string(rest.substr(0, kMaxPayload))};
    rest.remove_prefix(piece.payload.size());
    if (!rest.empty()) piece.flags |= kMore;
    append_frame(out, piece);
  } while (!rest.empty());
}

namespace {

Result<std::optional<Frame>> unpacked(Frame message) {
  if ((message.flags & kPacked) == 0) return std::optional<Frame>(std::move(message));
  GS_TRY(message.payload, unpack(message.payload, kMaxMessage));
  message.flags = static_cast<std::uint8_t>(message.flags & ~kPacked);
  return std::optional<Frame>(std::move(message));
}

}  // namespace

Result<std::optional<Frame>> Assembler::take(Frame frame) {
  if (frame.type == FrameType::content || frame.type == FrameType::data)
    return std::optional<Frame>(std::move(frame));
  const std::pair key(key_of(frame), static_cast<std::uint8_t>(frame.type));
  const auto begun = parts_.find(key);
  const bool goes_on = (frame.flags & kMore) != 0;
  if (begun == parts_.end() && !goes_on) return unpacked(std::move(frame));
  held_ += frame.payload.size();
  if (held_ > kMaxMessage) {
    return Error(ErrorCode::protocol,
                 "messages in pieces take more than " + std::to_string(kMaxMessage) + " bytes");
  }
  std::string& whole = parts_[key];
  whole += frame.payload;
  if (goes_on) return std::optional<Frame>();
  frame.payload = std::move(whole);
  held_ -= frame.payload.size();
  parts_.erase(key);
  return unpacked(std::move(frame));
}

Frame make_map_frame(FrameType type, std::uint16_t lane, std::uint32_t id, const Value& map) {
  return Frame{type, 0, lane, id, to_msgpack(map)};
}

Result<Value> parse_map(const Frame& frame) {
  GS_TRY(Value map, parse_msgpack(frame.payload));
  if (!map.is_map())
    return Error(ErrorCode::protocol,
                 "a frame's payload must be a map, found a " + std::string(type_name(map)));
  return map;
}

Value Hello::to_value() const {
  Value map = Value::map({{"version", version}});
  set_text(map, "controller", controller);
  set_text(map, "run", run);
  set_number(map, "fence", fence);
  if (lock != LockKind::none)
    map.set("lock", Value(lock == LockKind::shared ? "shared" : "exclusive"));
  set_number(map, "ping_interval", ping_interval.count());
  return map;
}

Result<Hello> Hello::parse(const Frame& frame) {
  GS_TRY(Value map, parse_map(frame));
  Fields fields(std::move(map));
  Hello hello;
  hello.version = fields.small("version");
  hello.controller = fields.text("controller");
  hello.run = fields.text("run");
  hello.fence = fields.integer("fence");
  const std::string lock = fields.text("lock");
  if (lock == "shared") {
    hello.lock = LockKind::shared;
  } else if (lock == "exclusive") {
    hello.lock = LockKind::exclusive;
  } else if (!lock.empty()) {
    fields.expect("lock", "shared or exclusive");
  }
  hello.ping_interval = std::chrono::seconds(fields.small("ping_interval"));
  return fields.finish(hello);
}

Value HelloReply::to_value() const {
  Value map = Value::map({{"version", version},
                          {"architecture", architecture},
                          {"kernel", kernel},
                          {"uid", uid},
                          {"user", user},
                          {"home", home},
                          {"boot_id", boot_id},
                          {"pid", pid},
                          {"hash", hash}});
  set_text(map, "error", error);
  set_text(map, "error_code", error_code);
  set_number(map, "fence", fence);
  return map;
}

Result<HelloReply> HelloReply::parse(const Frame& frame) {
  GS_TRY(Value map, parse_map(frame));
  Fields fields(std::move(map));
  HelloReply reply;
  reply.version = fields.small("version");
  reply.architecture = fields.text("architecture");
  reply.kernel = fields.text("kernel");
  reply.uid = fields.small("uid");
  reply.user = fields.text("user");
  reply.home = fields.text("home");
  reply.boot_id = fields.text("boot_id");
  reply.pid = fields.integer("pid");
  reply.hash = fields.text("hash");
  reply.error = fields.text("error");
  reply.error_code = fields.text("error_code");
  reply.fence = fields.integer("fence");
  return fields.finish(reply);
}

Value Task::to_value() const {
  Value map = Value::map({{"module", module}, {"args", arguments}});
  set_flag(map, "check", check);
  set_flag(map, "diff", diff);
  set_number(map, "epoch", epoch);
  set_flag(map, "barrier", barrier);
  if (!environment.empty()) {
    Value variables{Map()};
    for (const auto& [name, value] : environment) variables.set(name, Value(value));
    map.set("env", std::move(variables));
  }
  if (umask) map.set("umask", Value(*umask));
  set_number(map, "timeout_ms", timeout.count());
  if (!facts.is_null()) map.set("facts", facts);
  set_number(map, "background", background.count());
  set_flag(map, "timed", timed);
  return map;
}

Result<Task> Task::parse(const Frame& frame) {
  GS_TRY(Value map, parse_map(frame));
  Fields fields(std::move(map));
  Task task;
  task.module = fields.text("module");
  if (task.module.empty()) fields.expect("module", "the name of a module");
  task.arguments = fields.any("args");
  if (task.arguments.is_null()) task.arguments = Value(Map());
  if (!task.arguments.is_map()) fields.expect("args", "a map");
  task.check = fields.boolean("check");
  task.diff = fields.boolean("diff");
  task.epoch = fields.integer("epoch");
  task.barrier = fields.boolean("barrier");
  const Value& variables = fields.any("env");
  if (variables.is_map()) {
    for (const auto& [name, value] : variables.as_map())
      task.environment[to_text(name)] = to_text(value);
  } else if (!variables.is_null()) {
    fields.expect("env", "a map");
  }
  if (!fields.any("umask").is_null()) task.umask = fields.small("umask");
  task.timeout = std::chrono::milliseconds(fields.count("timeout_ms"));
  task.facts = fields.any("facts");
  task.background = std::chrono::seconds(fields.small("background"));
  task.timed = fields.boolean("timed");
  return fields.finish(task);
}

namespace {

// A request for 10,000 contents is one text: 32 bytes of hash and 8 of size for each.
constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kSizeBytes = 8;
constexpr std::string_view kDigits = "0123456789abcdef";

int digit_of(char letter) {
  const std::size_t at = kDigits.find(letter);
  return at == std::string_view::npos ? 0 : static_cast<int>(at);
}

}  // namespace

Value NeedContent::to_value() const {
  std::string text;
  text.reserve(contents.size() * (kHashBytes + kSizeBytes));
  for (const Wanted& one : contents) {
    GS_ASSERT(one.sha256.size() == 2 * kHashBytes, "a content's hash was checked when it was read");
    for (std::size_t i = 0; i < kHashBytes; ++i)
      text += static_cast<char>(16 * digit_of(one.sha256[2 * i]) + digit_of(one.sha256[2 * i + 1]));
    for (unsigned i = 0; i < kSizeBytes; ++i)
      text += static_cast<char>((one.size >> (8U * i)) & 0xFFU);
  }
  return Value::map({{"contents", Value(std::move(text))}});
}

Result<NeedContent> NeedContent::parse(const Frame& frame) {
  GS_TRY(Value map, parse_map(frame));
  Fields fields(std::move(map));
  const std::string text = fields.text("contents");
  if (text.empty() || text.size() % (kHashBytes + kSizeBytes) != 0)
    fields.expect("contents", "hashes of 32 bytes, each with a size of 8");
  NeedContent need;
  for (std::size_t at = 0; at + kHashBytes + kSizeBytes <= text.size();
       at += kHashBytes + kSizeBytes) {
    Wanted one;
    const auto byte = [&](std::size_t i) {
      return static_cast<std::uint64_t>(static_cast<unsigned char>(text[at + i]));
    };
    for (std::size_t i = 0; i < kHashBytes; ++i) {
      one.sha256 += kDigits[byte(i) >> 4U];
      one.sha256 += kDigits[byte(i) & 15U];
    }
    for (std::size_t i = 0; i < kSizeBytes; ++i) one.size |= byte(kHashBytes + i) << (8U * i);
    need.contents.push_back(std::move(one));
  }
  return fields.finish(std::move(need));
}

Value ContentEnd::to_value() const {
  Value map{Map()};
  set_text(map, "error", error);
  return map;
}

Result<ContentEnd> ContentEnd::parse(const Frame& frame) {
  GS_TRY(Value map, parse_map(frame));
  Fields fields(std::move(map));
  ContentEnd end{.error = fields.text("error")};
  return fields.finish(end);
}

Value OpenBecome::to_value() const {
  Value map = Value::map({{"method", method}, {"user", user}});
  if (password) map.set("password", Value(*password));
  set_text(map, "exe", executable);
  set_text(map, "flags", flags);
  set_flag(map, "same_user", same_user);
  map.set("patience", Value(patience.count()));
  return map;
}

Result<OpenBecome> OpenBecome::parse(const Frame& frame) {
  GS_TRY(Value map, parse_map(frame));
  Fields fields(std::move(map));
  OpenBecome request;
  request.method = fields.text("method");
  request.user = fields.text("user");
  if (!fields.any("password").is_null()) request.password = fields.text("password");
  request.executable = fields.text("exe");
  request.flags = fields.text("flags");
  request.same_user = fields.boolean("same_user");
  request.patience = std::chrono::seconds(fields.small("patience"));
  return fields.finish(request);
}

Value BecomeReply::to_value() const {
  Value map = Value::map({{"ok", error.empty()}, {"uid", uid}, {"user", user}, {"home", home}});
  set_text(map, "error", error);
  set_text(map, "error_code", error_code);
  set_text(map, "command", command);
  return map;
}

Result<BecomeReply> BecomeReply::parse(const Frame& frame) {
  GS_TRY(Value map, parse_map(frame));
  Fields fields(std::move(map));
  BecomeReply reply;
  reply.error = fields.text("error");
  reply.error_code = fields.text("error_code");
  reply.command = fields.text("command");
  reply.uid = fields.small("uid");
  reply.user = fields.text("user");
  reply.home = fields.text("home");
  return fields.finish(reply);
}

Value Output::to_value() const { return Value::map({{"stream", stream}, {"text", text}}); }

Result<Output> Output::parse(const Frame& frame) {
  GS_TRY(Value map, parse_map(frame));
  Fields fields(std::move(map));
  Output output{.stream = fields.text("stream"), .text = fields.text("text")};
  return fields.finish(output);
}

Value DataAck::to_value() const { return Value::map({{"bytes", bytes}}); }

Result<DataAck> DataAck::parse(const Frame& frame) {
  GS_TRY(Value map, parse_map(frame));
  Fields fields(std::move(map));
  DataAck ack{.bytes = fields.count("bytes")};
  return fields.finish(ack);
}

Value Cancel::to_value() const {
  Value map{Map()};
  set_number(map, "epoch", epoch);
  return map;
}

Result<Cancel> Cancel::parse(const Frame& frame) {
  if (frame.payload.empty()) return Cancel();
  GS_TRY(Value map, parse_map(frame));
  Fields fields(std::move(map));
  Cancel cancel{.epoch = fields.integer("epoch")};
  return fields.finish(cancel);
}

Value Notice::to_value() const { return Value::map({{"level", level}, {"message", message}}); }

Result<Notice> Notice::parse(const Frame& frame) {
  GS_TRY(Value map, parse_map(frame));
  Fields fields(std::move(map));
  Notice notice{.level = fields.text("level"), .message = fields.text("message")};
  return fields.finish(notice);
}

Frame make_hello(const Hello& hello) { return make_frame(FrameType::hello, 0, 0, hello); }

Frame make_task(std::uint16_t lane, std::uint32_t id, const Task& task) {
  return make_frame(FrameType::task, lane, id, task);
}

Frame make_open_become(std::uint16_t lane, const OpenBecome& request) {
  return make_frame(FrameType::open_become, lane, 0, request);
}

bool means_failure(const Value& result) {
  if (const Value* failed = result.find("failed")) return failed->truthy();
  const Value* rc = result.find("rc");
  return rc != nullptr && rc->is_integer() && rc->as_integer() != 0;
}

Frame make_result(std::uint16_t lane, std::uint32_t id, const Value& result) {
  Frame frame = make_map_frame(FrameType::result, lane, id, result);
  if (means_failure(result)) frame.flags |= kFailed;
  return frame;
}

Result<Value> parse_result(const Frame& frame) { return parse_map(frame); }

}  // namespace gpustack::wire
