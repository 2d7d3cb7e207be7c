#include "modules/builtin/support/web_call.hpp"

#include "core/base/json.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/form_body.hpp"
#include "modules/builtin/support/gunzip.hpp"
#include "modules/builtin/support/http_arguments.hpp"
#include "modules/sdk/file_arguments.hpp"
#include "modules/sdk/random_name.hpp"
#include "modules/sdk/text.hpp"
#include "modules/sdk/url.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr std::uint64_t kUnpackedLimit = 1U << 30U;
constexpr int kNoAnswer = -1;

Redirects redirects(const std::string& name) {
  if (name == "all" || name == "yes") return Redirects::all;
  if (name == "none" || name == "no") return Redirects::none;
  return name == "urllib2" ? Redirects::urllib : Redirects::safe;
}

/// The parts of a Content-Type header that count here.
struct ContentType {
  bool may_be_json = false;
  std::string charset;
};

std::string header_parameter(std::string_view header, std::string_view name) {
  const auto pieces = split(header, ';');
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    const std::string_view piece = trim(pieces[i]);
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos || lower(trim(piece.substr(0, equals))) != name) continue;
    return std::string(trim(trim(piece.substr(equals + 1)), "\""));
  }
  return {};
}

ContentType content_type(const HttpResponse& answer) {
  const std::string_view header = answer.header("content-type");
  std::string kind = lower(trim(header.substr(0, header.find_first_of(";,"))));
  kind.erase(0, std::min(kind.find('/'), kind.size() - 1) + 1);
  if (const std::size_t plus = kind.find('+'); plus != std::string::npos) kind.erase(0, plus + 1);
  ContentType out;
  out.may_be_json = kind == "json" || kind == "javascript";
  out.charset = lower(header_parameter(header, "charset"));
  return out;
}

/// Text in UTF-8, whatever of the common charsets it came in.
std::string decoded(std::string text, const std::string& charset) {
  if (charset != "iso-8859-1" && charset != "latin-1" && charset != "latin1") return text;
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0U | byte >> 6U);
      out += static_cast<char>(0x80U | (byte & 0x3fU));
    }
  }
  return out;
}

/// Removes the file at the end of a call, whatever comes of it.
class TemporaryFile {
 public:
  explicit TemporaryFile(System& system) : system_(system) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!path_.empty()) static_cast<void>(system_.remove_file(path_).has_value());
  }
  Result<void> make() {
    GS_TRY(path_, system_.make_temporary("", "uri.", "", FileKind::regular));
    return {};
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  System& system_;
  std::string path_;
};

class WebCall {
 public:
  WebCall(const Args& args, System& system)
      : args_(args), system_(system), dest_(args.text("dest")), temporary_(system) {}

  Result<Outcome> run() {
    GS_TRY(const HttpRequest request, make_request());
    const auto started = system_.steady_now();
    GS_TRY_VOID(send(request));
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::seconds>(system_.steady_now() - started);
    tell_answer(request);
    set("elapsed", Value(elapsed.count()));
    set("status", Value(answer_.status));
    if (!dest_.empty() && answered()) GS_TRY_VOID(keep());
    GS_TRY_VOID(tell_content());
    if (!expected()) fail();
    return std::move(outcome_);
  }

 private:
  void set(std::string_view key, Value value) { outcome_.result.set(key, std::move(value)); }
  [[nodiscard]] bool answered() const { return answer_.status != kNoAnswer; }
  /// What Python's urllib does not raise as an error.
  [[nodiscard]] bool is_good() const { return answer_.status >= 200 && answer_.status < 300; }

  [[nodiscard]] bool expected() const {
    const auto wanted = args_.texts("status_code");
    return std::ranges::find(wanted, std::to_string(answer_.status)) != wanted.end();
  }

  Result<HttpRequest> make_request() {
    GS_TRY(HttpQuery query, http_query(args_, system_));
    HttpRequest request(std::move(query));
    request.method = upper(args_.text("method"));
    request.redirects = redirects(args_.text("follow_redirects"));
    // Unpacked here, where the whole answer is at hand.
    request.keeps_coding = true;
    GS_TRY_VOID(add_body(request));
    if (args_.boolean("force")) {
      request.headers.emplace_back("cache-control", "no-cache");
    } else if (!dest_.empty()) {
      GS_TRY(const auto now, system_.stat(dest_));
      if (now && now->kind == FileKind::regular) {
        const auto time = std::chrono::system_clock::time_point(
            std::chrono::duration_cast<std::chrono::system_clock::duration>(now->modified));
        request.headers.emplace_back("If-Modified-Since", http_date(time));
      }
    }
    return request;
  }

  static void name_type(HttpRequest& request, const std::string& type, bool replaces) {
    const auto is_type = [](const auto& header) { return lower(header.first) == "content-type"; };
    if (replaces) std::erase_if(request.headers, is_type);
    if (std::ranges::none_of(request.headers, is_type))
      request.headers.emplace_back("Content-Type", type);
  }

  Result<void> add_body(HttpRequest& request) const {
    constexpr const char* kFormType = "application/x-www-form-urlencoded";
    const std::string format = args_.text("body_format");
    const Value& body = args_.get("body");
    if (args_.has("src")) {
      GS_TRY(request.body, source());
      name_type(request, format == "json" ? "application/json" : kFormType, false);
    } else if (format == "json") {
      JsonStyle style;
      style.redact_secrets = false;
      request.body = body.is_string() ? body.as_string() : to_json(body, style);
      name_type(request, "application/json", false);
    } else if (format == "form-multipart") {
      GS_TRY(MultipartBody form, multipart_body(body, system_, "gpustack-" + random_name()));
      request.body = std::move(form.bytes);
      name_type(request, form.content_type, true);
    } else if (!body.is_null() && format == "form-urlencoded") {
      GS_TRY(request.body, form_urlencoded(body));
      name_type(request, kFormType, false);
    } else if (!body.is_null()) {
      request.body = to_text(body);
      // Python's default for whatever is sent.
      name_type(request, kFormType, false);
    } else if (format == "form-urlencoded") {
      name_type(request, kFormType, false);
    }
    return {};
  }

  /// The file to send: brought along by the controller, or of the host.
  [[nodiscard]] Result<std::string> source() const {
    if (args_.has("_content")) {
      GS_TRY(const Content along, Content::from_value(args_.get("_content")));
      return system_.content(along);
    }
    auto text = system_.read(args_.text("src"));
    if (text) return text;
    return Error(ErrorCode::module_failed,
                 "Unable to open source file " + args_.text("src") + ": " + text.error().message());
  }

  /// No answer is not the end: its status, -1, may be expected.
  Result<void> send(const HttpRequest& request) {
    if (!dest_.empty()) GS_TRY_VOID(temporary_.make());
    auto answer =
        dest_.empty() ? system_.send(request) : system_.download(request, temporary_.path());
    if (answer) {
      answer_ = std::move(*answer);
      return unpack();
    }
    const ErrorCode code = answer.error().code();
    if (code == ErrorCode::cancelled || code == ErrorCode::invalid_argument ||
        code == ErrorCode::file_operation)
      return answer.error();
    answer_.status = kNoAnswer;
    answer_.reason = "Request failed: " + answer.error().one_line();
    return {};
  }

  /// Whether the body is in the temporary file, and not in memory.
  [[nodiscard]] bool is_in_file() const { return !dest_.empty() && is_good(); }

  Result<void> unpack() {
    if (!args_.boolean("decompress", true) || !is_good() ||
        lower(answer_.header("content-encoding")) != "gzip" || answer_.size == 0)
      return {};
    std::string packed = std::move(answer_.body);
    if (is_in_file()) {
      GS_TRY(packed, system_.read(temporary_.path(), kUnpackedLimit));
    }
    GS_TRY(answer_.body, gunzip(packed, kUnpackedLimit));
    if (!is_in_file()) return {};
    WriteOptions options;
    options.fsync = false;
    GS_TRY_VOID(system_.write(temporary_.path(), Content::of(std::move(answer_.body)), options));
    answer_.body.clear();
    return {};
  }

  void tell_answer(const HttpRequest& request) {
    const auto asked = parse_url(request.url);
    const bool redirected = is_good() && asked && asked->text() != answer_.url;
    set("redirected", Value(redirected));
    for (const auto& [name, value] : answer_.headers) add_header(name, value);
    if (const std::string_view location = answer_.header("location"); !location.empty())
      set("location", Value(absolute(location)));
    if (is_good()) tell_cookies();
    set("url", redirected ? answer_.url : shown_url(request.url));
    const std::string_view length = answer_.header("content-length");
    std::string message = answer_.reason;
    if (is_good()) {
      message = "OK (" + (length.empty() ? "unknown" : std::string(length)) + " bytes)";
    } else if (answered()) {
      message = "HTTP Error " + std::to_string(answer_.status) + ": " + answer_.reason;
    }
    set("msg", Value(std::move(message)));
  }

  void add_header(const std::string& name, const std::string& value) {
    const std::string key = replace_all(name, "-", "_");
    const Value* old = outcome_.result.find(key);
    const bool joins = old != nullptr && name == "set-cookie" && is_good();
    set(key, Value(joins ? to_text(*old) + ", " + value : value));
  }

  void tell_cookies() {
    Value cookies{Map()};
    std::string line;
    for (const auto& [name, value] : answer_.cookies) {
      cookies.set(name, Value(value));
      line.append(line.empty() ? "" : "; ").append(name).append("=").append(value);
    }
    set("cookies", std::move(cookies));
    set("cookies_string", Value(std::move(line)));
  }

  [[nodiscard]] std::string absolute(std::string_view location) const {
    if (location.find("://") != std::string_view::npos) return std::string(location);
    const auto base = parse_url(args_.text("url"));
    if (!base) return std::string(location);
    const auto there = resolve_url(*base, location);
    return there ? there->text() : std::string(location);
  }

  Result<std::string> body() const {
    if (is_in_file()) return system_.read(temporary_.path());
    return answer_.body;
  }

  Result<void> tell_content() {
    const ContentType type = content_type(answer_);
    const bool returns = args_.boolean("return_content");
    if (!returns && !type.may_be_json) return {};
    GS_TRY(std::string text, body());
    text = decoded(std::move(text), type.charset);
    if (type.may_be_json) {
      auto data = parse_json(text);
      if (data) set("json", std::move(*data));
    }
    if (returns) set("content", Value(std::move(text)));
    return {};
  }

  void fail() {
    const auto wanted = args_.texts("status_code");
    outcome_.failed = true;
    set("msg",
        Value("Status code was " + std::to_string(answer_.status) + " and not [" +
              join(wanted, ", ") + "]: " + to_text(outcome_.result.get("msg"))));
  }

  /// The name that the server gives the file, without any folder in it.
  [[nodiscard]] std::string name_for_folder() const {
    std::string name(
        base_name(header_parameter(answer_.header("content-disposition"), "filename")));
    if (name.empty()) {
      const std::string target = answer_.url.substr(0, answer_.url.find('?'));
      const auto url = parse_url(target);
      if (url) name = percent_decode(base_name(trim_right(url->target, "/")));
    }
    const bool is_name = !name.empty() && name != "." && name != ".." &&
                         name.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
    return is_name ? name : "index.html";
  }

  Result<void> keep() {
    std::string path = dest_;
    GS_TRY(const bool folder, is_folder(system_, path));
    if (folder) path = join_path(path, name_for_folder());
    set("path", Value(path));
    constexpr int kNotModified = 304;
    if (!expected() || answer_.status == kNotModified) return {};
    GS_TRY_VOID(place(path));
    outcome_.changed = true;
    GS_TRY(const auto now, system_.lstat(path));
    if (!now) return {};
    Plan more;
    GS_TRY_VOID(plan_file_attributes(
        more, args_, system_, path, *now, nullptr, AttributeOptions{.follow = false}));
    GS_TRY_VOID(apply_steps(more, system_));
    return add_path_info(outcome_.result, system_, path);
  }

  Result<void> place(const std::string& path) {
    if (!is_in_file()) {
      WriteOptions plain;
      GS_TRY_VOID(system_.write(temporary_.path(), Content::of(answer_.body), plain));
    }
    GS_TRY(const auto now, system_.stat(path));
    if (now) {
      GS_TRY(const std::string loaded, system_.hash(temporary_.path(), Algorithm::sha1));
      GS_TRY(const std::string present, system_.hash(path, Algorithm::sha1));
      if (loaded == present) return {};
    }
    GS_TRY(WriteOptions options, write_options(args_, system_, now));
    options.follow = false;
    if (!options.mode) options.mode = now ? now->mode : new_file_info(system_).mode;
    if (now && !options.owner.uid) options.owner.uid = now->uid;
    if (now && !options.owner.gid) options.owner.gid = now->gid;
    GS_TRY_VOID(system_.copy_file(temporary_.path(), path, options));
    return {};
  }

  const Args& args_;
  System& system_;
  std::string dest_;
  TemporaryFile temporary_;
  HttpResponse answer_;
  Outcome outcome_;
};

}  // namespace

Result<void> check_web_call(const Args& args, const SystemView& view) {
  const std::string method = upper(args.text("method"));
  const bool is_word =
      !method.empty() && std::ranges::all_of(method, [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!is_word) {
    return Error(ErrorCode::invalid_argument,
                 "method is '" + args.text("method") +
                     "', expected a single word in uppercase, like GET or POST");
  }
  const bool is_data = args.get("body").is_map() || args.get("body").is_list();
  if (is_data && args.text("body_format") == "raw") {
    return Error(ErrorCode::invalid_argument,
                 "body is of type " + std::string(type_name(args.get("body"))) +
                     ", expected text for body_format raw")
        .hint("body_format: json sends data");
  }
  GS_TRY_VOID(http_query(args, view));
  return {};
}

Result<Outcome> web_call(const Args& args, System& system) { return WebCall(args, system).run(); }

}  // namespace gpustack::modules
