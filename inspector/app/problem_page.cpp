// Layout of the problem page.
#include "inspector/app/problem_page.h"

#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

namespace orrery::inspector {

ProblemPage::ProblemPage(QWidget* parent)
    : QWidget(parent)
    , sentence_(new QLabel)
{
    setAccessibleName(tr("The machine could not be started"));
    auto* title = new QLabel(tr("The machine could not be started"));
    auto large = title->font();
    large.setPointSizeF(large.pointSizeF() * 1.5);
    large.setBold(true);
    title->setFont(large);
    sentence_->setWordWrap(true);
    sentence_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    sentence_->setMaximumWidth(640);
    sentence_->setMinimumWidth(320);
    sentence_->setAccessibleName(tr("Reason"));
    auto* again = new QPushButton(tr("&Try again"));
    auto* copy = new QPushButton(tr("&Copy the sentence"));
    connect(again, &QPushButton::clicked, this, &ProblemPage::try_again);
    connect(copy, &QPushButton::clicked, this, [this] { QApplication::clipboard()->setText(sentence_->text()); });

    auto* buttons = new QHBoxLayout;
    buttons->addWidget(again);
    buttons->addWidget(copy);
    buttons->addStretch();
    auto* column = new QVBoxLayout;
    column->setSpacing(14);
    column->addStretch(2);
    column->addWidget(title);
    column->addWidget(sentence_);
    column->addLayout(buttons);
    column->addStretch(3);
    auto* row = new QHBoxLayout(this);
    row->addStretch();
    row->addLayout(column);
    row->addStretch();
}

void ProblemPage::show_sentence(const QString& sentence) { sentence_->setText(sentence); }

QString ProblemPage::sentence() const { return sentence_->text(); }

} // namespace orrery::inspector
