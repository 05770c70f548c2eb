// The sentence that explains what is selected, and its place between two parts of a view.
#pragma once

class QLabel;
class QSplitter;
class QWidget;

namespace orrery::inspector {

// A line that wraps and never makes the view wider; its text can be selected.
QLabel* make_sentence();
// `above`, then the sentence and `below`, with a border between that can be moved; they share the height in this proportion.
QSplitter* explained_parts(QWidget* above, QLabel* sentence, QWidget* below, int above_stretch, int below_stretch);

} // namespace orrery::inspector
