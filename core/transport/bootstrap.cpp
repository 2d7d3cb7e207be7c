#include "core/transport/bootstrap.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace gpustack::transport {

namespace {

constexpr std::size_t kMostNoise = 64U << 10U;
constexpr std::string_view kMarker = "GPUSTACK-";

/// Replaces each `@NAME@`.
std::string filled(std::string text,
                   const std::vector<std::pair<std::string, std::string>>& values) {
  for (const auto& [name, value] : values) {
    for (auto at = text.find(name); at != std::string::npos;
         at = text.find(name, at + value.size())) {
      text.replace(at, name.size(), value);
    }
  }
  return text;
}

// The script travels as one line inside single quotes, so that every login shell hands it to sh
// unchanged: no line end, no quote ', no backslash (fish), no exclamation mark (csh).
//
// A cache folder counts only when it is a real folder of ours with mode 0700: nobody else can then
// replace the runner in it. `ls -ldn` shows type, mode and owner in one portable call, and a shell
// that knows `-O` needs no `id` to compare the owner. A file system mounted noexec, a foreign
// architecture and a broken file all show when the runner is asked for its version, or does not
// start; the runner checks its own hash once it runs.
//
// A controller that is gone shows as the end of input, which every path after an upload looks at,
// and as a pipe that takes no answer, which must not end the shell before it has tidied up. A shell
// that is told to end tidies up, too. Traps end with exec; the runner ignores SIGPIPE by itself.
constexpr std::string_view kScript =
    "c=${HOME:-/nonexistent}/.cache/gpustack; q=; u=; "
    "ours(){ set -- \"$1\" $(ls -ldn \"$1\" 2>/dev/null); "
    "case $2 in drwx------*) ;; *) return 1;; esac; "
    "[ -O \"$1\" ] 2>/dev/null; case $? in 0) return 0;; 1) return 1;; esac; "
    "[ \"$4\" = \"${u:-$(id -u)}\" ]; }; "
    "begin(){ echo \"GPUSTACK-READY $h\"; [ -z \"$q\" ] || umask $q; "
    "exec \"$1/$h/runner\" serve --hash $h; }; "
    "@FAST@"
    "q=$(umask); umask 077; m=$(uname -m); "
    "case $m in @CASES@*) echo \"GPUSTACK-FAIL architecture $m\"; exit 1;; esac; "
    "u=$(id -u); "
    "works(){ \"$1\" version </dev/null >/dev/null 2>&1; case $? in 126|127) return 1;; esac; "
    "return 0; }; "
    "v=/var/tmp/gpustack-$u; s=/dev/shm/gpustack-$u; "
    "t=/tmp/gpustack-$u; "
    "@FIND@"
    "if head -c 0 </dev/null >/dev/null 2>&1; then take(){ head -c $1; }; "
    "else take(){ dd bs=1 count=$1 2>/dev/null; }; fi; "
    "g=; command -v gzip >/dev/null 2>&1 && g=\" gzip\"; "
    "f=; gone(){ [ -z \"$f\" ] || rm -f \"$f\"; exit 1; }; trap gone HUP INT TERM; trap \"\" PIPE; "
    "take @AHEAD@ >/dev/null; i=0; "
    "for d in \"$c\" \"$v\" \"$s\" \"$t\"; do "
    "i=$((i+1)); [ $i -ge @FIRST@ ] || continue; "
    "mkdir -p \"$d\" 2>/dev/null && ours \"$d\" || continue; "
    "f=$d/up.$$.$(uname -n); "
    "{ echo \"exit 0\" >\"$f\"; } 2>/dev/null && chmod 700 \"$f\" && \"$f\" 2>/dev/null || { rm -f "
    "\"$f\"; continue; }; "
    "echo \"GPUSTACK-NEED $a $i$g\" || gone; "
    "read z; case ${z:-0} in 0) take $n >\"$f\";; *) take $z | gzip -dc >\"$f\" 2>/dev/null;; "
    "esac; "
    "w=$(wc -c <\"$f\"); "
    "if [ ${w:-0} -ne $n ]; then rm -f \"$f\"; echo \"GPUSTACK-FAIL short $i ${w:-0} of $n bytes "
    "in $d\"; exit 1; fi; "
    "if command -v sha256sum >/dev/null 2>&1; then case $(sha256sum <\"$f\") in $h*) ;; "
    "*) rm -f \"$f\"; echo \"GPUSTACK-FAIL hash $i in $d\"; exit 1;; esac; fi; "
    "chmod 700 \"$f\" && mkdir -p \"$d/$h\" && mv -f \"$f\" \"$d/$h/runner\" && works "
    "\"$d/$h/runner\" || "
    "{ echo \"GPUSTACK-FAIL start $i in $d\"; exit 1; }; "
    "k=0; ls -1t \"$d\" | while read -r o; do case $o in up.*) ;; "
    "*) k=$((k+1)); [ $k -gt 4 ] && rm -rf \"$d/$o\";; esac; done; "
    "begin \"$d\"; "
    "done; "
    "echo \"GPUSTACK-FAIL folder 0 none of $c $v $s $t can hold a program\"; exit 1";

// One runner in the home's cache, as nearly always: it starts behind a single process, the `ls`. It
// may be another architecture's, in a home that is shared: then its start fails, and the next try
// asks.
constexpr std::string_view kFast =
    "k=; for h in @HASHES@; do [ -x \"$c/$h/runner\" ] && k=\"$k $h\"; done; set -- $k; "
    "if [ $# -eq 1 ] && ours \"$c\"; then h=$1; begin \"$c\"; fi; ";

constexpr std::string_view kFind =
    "for d in \"$c\" \"$v\" \"$s\" \"$t\"; do "
    "if [ -x \"$d/$h/runner\" ] && ours \"$d\" && works \"$d/$h/runner\"; then begin \"$d\"; fi; "
    "done; ";

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const auto space = std::min(line.find(' '), line.size());
    if (space > 0) words.emplace_back(line.substr(0, space));
    line.remove_prefix(std::min(space + 1, line.size()));
  }
  return words;
}

int number_or_zero(const std::string& text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

BootstrapAnswer parse_answer(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::vector<std::string> words = words_of(line);
  BootstrapAnswer answer;
  if (words.size() >= 3 && words[0] == "NEED") {
    answer.kind = BootstrapAnswer::Kind::need;
    answer.architecture = words[1];
    answer.folder = number_or_zero(words[2]);
    answer.unpacks = words.size() > 3 && words[3] == "gzip";
  } else if (!words.empty() && words[0] == "READY") {
    answer.kind = BootstrapAnswer::Kind::ready;
  } else {
    answer.reason =
        words.size() > 1 ? std::string(line.substr(line.find(' ') + 1)) : std::string(line);
    if (words.size() >= 3) answer.folder = number_or_zero(words[2]);
  }
  return answer;
}

}  // namespace

std::string bootstrap_command(const RunnerStore& runners, const BootstrapRequest& request) {
  std::string cases;
  std::string hashes;
  for (const auto& [architecture, binary] : runners.all()) {
    const std::string names = architecture == "aarch64"  ? "aarch64|arm64"
                              : architecture == "x86_64" ? "x86_64|amd64"
                                                         : architecture;
    cases += fmt::format("{}) a={} h={} n={};; ", names, architecture, binary.sha256, binary.size);
    hashes += (hashes.empty() ? "" : " ") + binary.sha256;
  }
  const std::string fast = filled(std::string(kFast), {{"@HASHES@", hashes}});
  const std::string script = filled(std::string(kScript),
                                    {{"@CASES@", cases},
                                     {"@FAST@", request.ignores_cache ? "" : fast},
                                     {"@FIND@", request.ignores_cache ? "" : std::string(kFind)},
                                     {"@AHEAD@", std::to_string(request.bytes_ahead)},
                                     {"@FIRST@", std::to_string(request.first_folder)}});
  GS_ASSERT(script.find_first_of("'\\!\n") == std::string::npos,
            "the script must pass through every login shell");
  return fmt::format("exec /bin/sh -c '{}'", script);
}

std::string upload_header(std::size_t packed_size) { return fmt::format("{}\n", packed_size); }

Result<std::optional<BootstrapAnswer>> BootstrapReader::feed(std::string_view bytes) {
  buffer_ += bytes;
  const auto marker = buffer_.find(kMarker);
  if (marker == std::string::npos) {
    // Keep what may be the beginning of a marker.
    const std::size_t keep = std::min(buffer_.size(), kMarker.size() - 1);
    noise_.append(buffer_, 0, buffer_.size() - keep);
    buffer_.erase(0, buffer_.size() - keep);
    if (noise_.size() > kMostNoise) {
      return Error(ErrorCode::protocol,
                   fmt::format("the host printed more than {} KiB before the runner started",
                               kMostNoise >> 10U))
          .hint("look at what the login scripts of that user print");
    }
    return std::optional<BootstrapAnswer>();
  }
  const auto end = buffer_.find('\n', marker);
  if (end == std::string::npos && buffer_.size() - marker > kMostNoise) {
    return Error(ErrorCode::protocol, "the host's answer to the bootstrap does not end");
  }
  if (end == std::string::npos) return std::optional<BootstrapAnswer>();
  noise_.append(buffer_, 0, marker);
  const std::size_t begin = marker + kMarker.size();
  BootstrapAnswer answer = parse_answer(std::string_view(buffer_).substr(begin, end - begin));
  buffer_.erase(0, end + 1);
  return std::optional<BootstrapAnswer>(std::move(answer));
}

std::string BootstrapReader::take_rest() { return std::exchange(buffer_, {}); }

}  // namespace gpustack::transport
