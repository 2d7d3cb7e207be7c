#include "core/base/python_literal.hpp"
#include "core/jinja/literal.hpp"
#include "core/jinja/objects.hpp"
#include "core/jinja/operators.hpp"
#include "core/jinja/render.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace gpustack::jinja {

namespace {

/// `hostvars` holds hosts, and those hold data: what lies deeper leads back to where it came from.
constexpr int kDeepestMapping = 2;

bool is_mapping_object(const Value& value) {
  return value.is_object() && value.as_object().is_mapping();
}

/// What a mapping with behaviour (`hostvars`, `vars`) holds now. Members that cannot be had, as
/// those that need what is missing, are left out.
Value read_out(const Value& value, int depth = 0) {
  if (!is_mapping_object(value)) return value;
  const auto keys = value.as_object().iterate();
  if (!keys) return Value(Map());
  Map entries;
  for (const Value& key : *keys) {
    const auto item = value.as_object().item(key);
    const bool is_kept =
        item && !item->is_undefined() && (depth + 1 < kDeepestMapping || !is_mapping_object(*item));
    if (is_kept) entries.set(key, read_out(*item, depth + 1));
  }
  return Value(std::move(entries));
}

}  // namespace

Error Output::too_large() const {
  return Error(ErrorCode::template_limit,
               "the output is larger than " + std::to_string(limit_ >> 20U) + " MiB");
}

void Output::write_rare(const Value& piece) {
  if (piece.is_null() || piece.is_undefined()) return;  // both print as nothing
  text_.append(to_text(piece));
}

Result<void> Output::flush(const Value& piece) {
  if (piece.kind() < Kind::list || piece.is_undefined()) {
    if (!write(piece)) return too_large();
    return {};
  }
  if (is_mapping_object(piece)) return flush(read_out(piece));
  marks_ = marks_ | deep_marks(piece);
  text_.append(to_text(piece));
  if (text_.size() > limit_) return too_large();
  return {};
}

Result<void> Output::value(const Value& piece) {
  if (mode_ == Mode::text) return flush(piece);
  if (count_++ == 0) {
    single_ = piece;
    return {};
  }
  if (count_ == 2) GS_TRY_VOID(flush(std::exchange(single_, Value())));
  return flush(piece);
}

bool Output::keeps_type(Mode mode, std::size_t trailing_newlines) const {
  const bool converts = mode == Mode::convert;
  if (single_.is_string()) {
    const bool is_literal =
        converts && !single_.stays_text() && looks_like_literal(single_.as_string());
    return !is_literal && trailing_newlines == 0;
  }
  const bool is_container = (single_.is_list() && !single_.is_tuple()) || single_.is_map();
  return converts && (single_.is_bool() || (is_container && prints_as_literal(single_)));
}

Value Output::ended_text(std::size_t trailing_newlines, std::string_view newline) {
  // Jinja2 drops the line end at the end of a template; Ansible gives the result as many as the
  // template had.
  const std::string_view text = text_.view();
  if (trailing_newlines > 0) {
    const std::size_t last = text.find_last_not_of('\n');
    const std::size_t kept = last == std::string_view::npos ? 0 : last + 1;
    for (std::size_t have = text.size() - kept; have < trailing_newlines; ++have)
      text_.append(newline);
  }
  return Value(text_.view()).marked(marks_);
}

Value Output::finish_native(std::size_t trailing, std::string_view newline) {
  if (count_ == 0) return Value();
  if (count_ == 1) {
    if (!single_.is_string() || single_.stays_text()) return std::exchange(single_, Value());
    marks_ = single_.marks();
    text_.append(single_.as_string());
  }
  const std::string_view text = text_.view();
  // Python takes a blank at the beginning for a wrong indentation.
  const bool is_indented = text.starts_with(' ') || text.starts_with('\t');
  auto literal = is_indented ? std::nullopt : read_python_literal(text, LiteralNames::python);
  if (!literal) return ended_text(trailing, newline);
  // A text keeps the quotes it was written with.
  if (literal->is_string()) literal = Value(text.front() + literal->as_string() + text.front());
  return mark_deep(std::move(*literal), marks_);
}

Result<Value> Output::finish(std::size_t trailing_newlines, std::string_view newline) {
  if (mode_ == Mode::text) return ended_text(trailing_newlines, newline);
  if (count_ == 1 && is_mapping_object(single_)) single_ = read_out(single_);
  if (mode_ == Mode::native) return finish_native(trailing_newlines, newline);
  bool stays_text = false;
  if (count_ <= 1) {
    if (count_ == 0 || single_.is_null() || single_.is_undefined()) single_ = Value("");
    if (keeps_type(mode_, trailing_newlines)) return single_;
    stays_text = single_.stays_text();
    GS_TRY_VOID(flush(std::exchange(single_, Value())));
  }
  if (!stays_text && looks_like_literal(text_.view())) {
    if (auto literal = read_python_literal(text_.view(), LiteralNames::json))
      return mark_deep(std::move(*literal), marks_);
  }
  return ended_text(trailing_newlines, newline);
}

}  // namespace gpustack::jinja
