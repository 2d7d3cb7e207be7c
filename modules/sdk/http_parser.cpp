#include "modules/sdk/http_parser.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>
#include <charconv>

namespace gpustack::modules {

namespace {

constexpr std::size_t kHeaderLimit = 256U << 10U;
constexpr std::size_t kLineLimit = 8U << 10U;

Error broken(const std::string& why) {
  return Error(ErrorCode::module_failed, "the server's answer is not HTTP: " + why);
}

std::optional<std::uint64_t> parse_size(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [known, value] : headers) {
    if (known == name) return value;
  }
  return {};
}

Result<std::size_t> HttpParser::feed(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && state_ != State::done) {
    const std::string_view rest = bytes.substr(taken);
    switch (state_) {
      case State::header: {
        const std::size_t line = std::min(rest.find('\n'), rest.size() - 1) + 1;
        pending_ += rest.substr(0, line);
        taken += line;
        if (pending_.size() > kHeaderLimit) return broken("its header is larger than 256 KiB");
        if (pending_.ends_with("\r\n\r\n") || pending_.ends_with("\n\n")) {
          GS_TRY_VOID(take_header(pending_));
          pending_.clear();
        }
        break;
      }
      case State::sized_body:
      case State::chunk: {
        const std::size_t length =
            static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size()));
        GS_TRY_VOID(body_(rest.substr(0, length)));
        response_.size += length;
        left_ -= length;
        taken += length;
        if (left_ == 0) state_ = state_ == State::chunk ? State::chunk_end : State::done;
        break;
      }
      case State::endless_body:
        GS_TRY_VOID(body_(rest));
        response_.size += rest.size();
        taken = bytes.size();
        break;
      case State::chunk_size:
      case State::chunk_end:
      case State::trailer: {
        const std::size_t line = std::min(rest.find('\n'), rest.size() - 1) + 1;
        pending_ += rest.substr(0, line);
        taken += line;
        if (pending_.size() > kLineLimit) return broken("a line between two chunks is too long");
        if (pending_.ends_with('\n')) {
          const std::string whole(trim_right(pending_, "\r\n"));
          pending_.clear();
          GS_TRY_VOID(take_line(whole));
        }
        break;
      }
      case State::done:
        break;
    }
  }
  return taken;
}

Result<void> HttpParser::take_line(const std::string& line) {
  if (state_ == State::chunk_end) {
    if (!line.empty()) return broken("a chunk is longer than it said");
    state_ = State::chunk_size;
  } else if (state_ == State::trailer) {
    if (line.empty()) state_ = State::done;
  } else {
    const auto size = parse_size(trim(line.substr(0, line.find(';'))), 16);
    if (!size) return broken("a chunk has the size '" + line + "'");
    left_ = *size;
    state_ = left_ == 0 ? State::trailer : State::chunk;
  }
  return {};
}

Result<void> HttpParser::take_header(std::string_view section) {
  response_ = HttpResponse();
  const auto lines = split_lines(section);
  const std::string_view first = lines.empty() ? std::string_view() : lines[0];
  const std::string status(first.size() >= 12 ? first.substr(9, 3) : std::string_view());
  const auto number = parse_integer(status);
  if (!first.starts_with("HTTP/1.") || !number || *number < 100)
    return broken("it begins with '" + std::string(first.substr(0, 60)) + "'");
  response_.status = static_cast<int>(*number);
  response_.reason = std::string(trim(first.size() > 13 ? first.substr(13) : std::string_view()));
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (line.empty()) continue;
    if ((line[0] == ' ' || line[0] == '\t') && !response_.headers.empty()) {
      response_.headers.back().second += " " + std::string(trim(line));
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) return broken("a header line has no colon");
    std::string name = lower(trim(std::string_view(line).substr(0, colon)));
    std::string value(trim(std::string_view(line).substr(colon + 1)));
    const auto known = std::find_if(response_.headers.begin(),
                                    response_.headers.end(),
                                    [&](const auto& header) { return header.first == name; });
    if (known != response_.headers.end() && name == "content-length" && known->second != value) {
      return broken("it names two lengths");
    }
    if (known != response_.headers.end() && name != "set-cookie" && name != "content-length") {
      known->second += ", " + value;
    } else if (known == response_.headers.end() || name == "set-cookie") {
      response_.headers.emplace_back(std::move(name), std::move(value));
    }
  }
  return begin_body();
}

Result<void> HttpParser::begin_body() {
  // 100 Continue and the like come before the answer itself.
  if (response_.status < 200 && response_.status != 101) return {};
  if (on_header) on_header(response_);
  if (!expects_body_ || response_.status == 204 || response_.status == 304 ||
      response_.status == 101) {
    state_ = State::done;
    return {};
  }
  const std::string coding = lower(response_.header("transfer-encoding"));
  if (!coding.empty() && coding != "identity") {
    if (coding != "chunked") return broken("its transfer coding is '" + coding + "'");
    state_ = State::chunk_size;
    return {};
  }
  const std::string_view length = response_.header("content-length");
  if (length.empty()) {
    state_ = State::endless_body;
    return {};
  }
  const auto size = parse_size(length, 10);
  if (!size) return broken("its length is '" + std::string(length) + "'");
  left_ = *size;
  state_ = left_ == 0 ? State::done : State::sized_body;
  return {};
}

Result<void> HttpParser::end() {
  if (state_ == State::done) return {};
  if (state_ == State::endless_body) {
    state_ = State::done;
    return {};
  }
  if (state_ == State::header && pending_.empty()) {
    return Error(ErrorCode::module_failed, "the server closed the connection without an answer");
  }
  return Error(ErrorCode::module_failed,
               "the connection ended in the middle of the answer, after " +
                   std::to_string(response_.size) + " bytes of it");
}

}  // namespace gpustack::modules
