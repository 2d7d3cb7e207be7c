#include "core/base/error.hpp"

#include <algorithm>

namespace gpustack {

namespace {

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kBoldRed = "\x1b[1;31m";
constexpr std::string_view kBlue = "\x1b[1;34m";

std::string painted(Colour colour, std::string_view paint, std::string_view text) {
  if (colour == Colour::off) return std::string(text);
  return std::string(paint).append(text).append(kReset);
}

std::string excerpt(const SourceSpan& span, const std::string& caret_note, Colour colour) {
  const std::string_view line = span.file->line(span.line);
  const std::string number = std::to_string(span.line);
  std::string out = painted(colour, kBlue, number + " | ") + std::string(line) + "\n";
  std::string pad(number.size(), ' ');
  pad += " | ";
  std::string under;
  std::size_t column = 1;
  for (std::size_t i = 0; i < line.size() && column < span.column; ++i) {
    if ((static_cast<unsigned char>(line[i]) & 0xC0U) == 0x80U) continue;
    under += line[i] == '\t' ? '\t' : ' ';
    ++column;
  }
  const std::size_t left =
      code_points(line) + 1 > span.column ? code_points(line) + 1 - span.column : 1;
  const std::size_t carets =
      std::clamp<std::size_t>(span.length, 1, std::max<std::size_t>(left, 1));
  std::string marks(carets, '^');
  if (!caret_note.empty()) marks += " " + caret_note;
  return out + painted(colour, kBlue, pad) + under + painted(colour, kBoldRed, marks) + "\n";
}

}  // namespace

std::string error_id(ErrorCode code) { return "GS" + std::to_string(static_cast<int>(code)); }

std::string_view error_name(ErrorCode code) {
  switch (code) {
#define GS_ERROR_CODE(name, number, meaning) \
  case ErrorCode::name:                      \
    return #name;
#include "core/base/error_codes.def"
#undef GS_ERROR_CODE
  }
  return "unknown";
}

std::string_view error_meaning(ErrorCode code) {
  switch (code) {
#define GS_ERROR_CODE(name, number, meaning) \
  case ErrorCode::name:                      \
    return meaning;
#include "core/base/error_codes.def"
#undef GS_ERROR_CODE
  }
  return "unknown";
}

Error::Error(ErrorCode code, std::string message)
    : body_(std::make_unique<Body>(Body{code, std::move(message), {}, {}, {}, {}})) {}

Error::Error(const Error& other) : body_(std::make_unique<Body>(*other.body_)) {}

Error& Error::operator=(const Error& other) {
  if (this != &other) body_ = std::make_unique<Body>(*other.body_);
  return *this;
}

Error&& Error::at(SourceSpan span) && {
  body_->span = span;
  return std::move(*this);
}

Error&& Error::at_if_unknown(SourceSpan span) && {
  if (!body_->span.known()) body_->span = span;
  return std::move(*this);
}

Error&& Error::related(SourceSpan span, std::string note) && {
  body_->related.push_back(RelatedSpan{span, std::move(note)});
  return std::move(*this);
}

Error&& Error::hint(std::string text) && {
  if (!text.empty()) body_->hint = std::move(text);
  return std::move(*this);
}

Error&& Error::while_doing(std::string frame) && {
  body_->context.push_back(std::move(frame));
  return std::move(*this);
}

std::string Error::render(Colour colour) const {
  std::string out =
      painted(colour, kBoldRed, "error[" + error_id(code()) + "]") + ": " + message() + "\n";
  const SourceSpan& place = span();
  if (place.known()) {
    out += painted(colour, kBlue, "  --> ") + place.text() + "\n";
    out += excerpt(place, hint(), colour);
  } else if (place.file != nullptr) {
    out += painted(colour, kBlue, "  --> ") + place.file->path() + "\n";
  }
  for (const RelatedSpan& other : related()) {
    out += painted(colour, kBlue, "  = ") + other.note + ": " + other.span.text() + "\n";
  }
  for (const std::string& frame : context()) {
    out += painted(colour, kBlue, "  = ") + "while " + frame + "\n";
  }
  if (!place.known() && !hint().empty())
    out += painted(colour, kBlue, "  = ") + "hint: " + hint() + "\n";
  return out;
}

std::string Error::one_line() const {
  std::string out = message();
  if (span().known()) out += " (" + span().text() + ")";
  if (!hint().empty()) out += "; " + hint();
  return out;
}

}  // namespace gpustack
