from netwright.core.record import ConnectionRecord as ConnectionRecord
from netwright.core.record import ExchangeRecord as ExchangeRecord
