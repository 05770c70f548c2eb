// Label and splitter with the margins that all views have.
#include "inspector/views/common/explained.h"

#include <QLabel>
#include <QSplitter>
#include <QVBoxLayout>

namespace orrery::inspector {

QLabel* make_sentence()
{
    auto* sentence = new QLabel;
    sentence->setWordWrap(true);
    sentence->setMinimumWidth(1);
    sentence->setContentsMargins(8, 3, 8, 3);
    sentence->setTextInteractionFlags(Qt::TextSelectableByMouse);
    return sentence;
}

QSplitter* explained_parts(QWidget* above, QLabel* sentence, QWidget* below, int above_stretch, int below_stretch)
{
    auto* lower = new QWidget;
    auto* layout = new QVBoxLayout(lower);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(sentence);
    layout->addWidget(below, 1);
    auto* splitter = new QSplitter(Qt::Vertical);
    splitter->addWidget(above);
    splitter->addWidget(lower);
    splitter->setStretchFactor(0, above_stretch);
    splitter->setStretchFactor(1, below_stretch);
    splitter->setChildrenCollapsible(false);
    return splitter;
}

} // namespace orrery::inspector
